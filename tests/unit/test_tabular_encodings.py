"""Text in one-byte encodings: names must come out as they were written."""

import pytest

from companion.adapters.tabular.decoding import decoded
from tests.fakes.workbooks import workbook_of

NAMES = [
    "Zoë", "Chloé", "André", "Renée", "José", "Müller", "Jörg", "Käthe", "Björn", "Åsa", "Søren",
    "François", "Françoise", "Muñoz", "Peña", "Núñez", "García", "Álvarez", "Óscar", "Élodie",
    "Hélène", "Anaïs", "Noël", "Raphaël", "Citroën", "MÜLLER", "GÖTZ", "Strauß", "Groß", "Benoît",
    "Jérôme", "Frédéric", "Göran", "Ángel", "Inés", "Sofía", "João", "Conceição", "Þór", "Ærø",
]  # fmt: skip
LINE = "7,25/11/2026 09:00,{},Initial – new client,Jo O’Neill\r\n"
PLAINER = LINE.replace("–", "-").replace("’", "'")
"""DOS and the first ISO encodings have neither dashes nor curved apostrophes."""
PLAIN = "ID,Start,Client,Type,Practitioner\r\n" + "1,25/11/2026 09:00,Jo Smith,Review,Al\r\n" * 50
"""Most of a file is ASCII."""


def file_of(encoding: str) -> tuple[bytes, str]:
    """A file with as many of the names as the encoding has, and its text."""
    line = LINE if encoding in {"utf-8", "cp1252", "mac_roman"} else PLAINER
    kept = [each for each in NAMES if each.encode(encoding, "ignore").decode(encoding) == each]
    assert len(kept) > 20
    text = PLAIN + "".join(map(line.format, kept))
    return text.encode(encoding), text


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "cp1252", "mac_roman", "cp850", "cp437", "iso8859-1", "iso8859-15", "cp858"],
)
def test_a_file_with_many_names_comes_out_as_it_was_written(encoding: str) -> None:
    content, text = file_of(encoding)
    assert decoded(content)[0] == text


@pytest.mark.parametrize(("encoding", "few"), [("cp1252", 0), ("mac_roman", 3), ("cp850", 4)])
def test_nearly_every_name_comes_out_right_even_alone_in_its_file(encoding: str, few: int) -> None:
    kept = [each for each in NAMES if each.encode(encoding, "ignore").decode(encoding) == each]
    texts = [f"{PLAIN}7,25/11/2026 09:00,{name},Review,Jo\r\n" for name in kept]
    wrong = [each for each in texts if decoded(each.encode(encoding))[0] != each]
    assert len(wrong) <= few, [each.split(",")[-3] for each in wrong]


@pytest.mark.parametrize(
    "text",
    [
        "ID,Fee,Notes\r\n1,€ 50,“Jo’s” – didn’t pay… £5\r\n",
        "ID,Who\r\n1,Smith–Jones\r\n2,O’Dowd\r\n3,the Smiths’ son\r\n",
        "ID,Notes\r\n1,• 38.5° ½ dose\r\n2,Theraband™ ®\r\n3,a\xa0b\r\n",
    ],
)
def test_the_marks_of_windows_come_out_right_without_any_name(text: str) -> None:
    assert decoded(text.encode("cp1252")) == (text, "")


def test_central_european_names_come_out_right() -> None:
    names = ["Łukasz", "Wałęsa", "Dvořák", "Šárka", "Krzyżanowski", "Świątek", "Gąsior", "Żaneta"]
    text = PLAIN + "".join(f"7,25/11/2026 09:00,{name},Review,Jo\r\n" for name in names)
    found, note = decoded(text.encode("cp1250"))
    assert found == text
    assert "central European" in note


def test_nothing_is_said_of_what_is_sure_and_something_of_what_was_guessed() -> None:
    windows, _text = file_of("cp1252")
    assert decoded(windows)[1] == ""
    apple, _text = file_of("mac_roman")
    assert "Macintosh" in decoded(apple)[1]
    assert "DOS" in decoded(file_of("cp850")[0])[1]
    assert workbook_of(apple).notes == (decoded(apple)[1],)


def test_a_damaged_byte_does_not_turn_a_utf8_file_into_another_encoding() -> None:
    content = (PLAIN + LINE.format("Zoë")).encode() + "8,x,Müller\r\n".encode("cp1252")
    text, note = decoded(content)
    assert "Zoë" in text
    assert text.endswith("8,x,Müller\r\n")
    assert "damaged" in note


def test_very_many_damaged_bytes_cost_no_more_than_one_look_each() -> None:
    content = ("é" * 300_000).encode() + b"\xfc," * 100_000
    assert decoded(content)[0].endswith("ü,ü,")


@pytest.mark.parametrize(
    ("seen", "meant"),
    [
        ("ZoÃ«", "Zoë"),
        ("Ã‰lodie MÃ¼ller", "Élodie Müller"),
        ("FranÃ§oise PeÃ±a", "Françoise Peña"),
        ("Joâ€™s â€“ â€œbestâ€\x9d", "Jo’s – “best”"),
        ("Â£5 for 38Â°", "£5 for 38°"),
        ("SofÃ\xada", "Sofía"),
    ],
)
def test_letters_that_were_saved_wrongly_are_put_right(seen: str, meant: str) -> None:
    workbook = workbook_of(f"ID,Client\r\n1,{seen}\r\n".encode())
    assert workbook.sheets[0].rows[1].cells[1] == meant
    assert "saved wrongly" in workbook.notes[0]


@pytest.mark.parametrize("name", ["JOSÉ’S", "SÃO", "GROß”", "ÂME", "Â", "pâ€"])
def test_letters_that_are_right_are_left_alone(name: str) -> None:
    (sheet,) = workbook_of(f"ID,Client\r\n1,{name}\r\n".encode()).sheets
    assert sheet.rows[1].cells[1] == name
