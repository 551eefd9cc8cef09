"""The people, places and words of the sample practice, all invented.

Chosen to be awkward on purpose: accents, apostrophes, commas, other scripts in both directions,
emoji, markup, a line break, and a note that a spreadsheet would take for a formula.
"""

from dataclasses import dataclass
from datetime import time

SAMPLE_SOURCE = "bp-allied"
"""The name that the importer gives to files in this layout."""
OPENING = time(8, 45)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePractitioner:
    id: str
    name: str
    email: str


PRACTITIONERS = (
    SamplePractitioner(
        id="zoe-obrien-nguyen", name="Zoë O'Brien-Nguyễn", email="zoe@banksia.example"
    ),
    SamplePractitioner(
        id="juergen-mueller", name="Müller, Jürgen", email="juergen@banksia.example"
    ),
    SamplePractitioner(id="aroha-ngata", name="Aroha Ngātā", email="aroha@banksia.example"),
    SamplePractitioner(
        id="fatima-al-hassan", name="Fatima al-Hassan", email="fatima@banksia.example"
    ),
    SamplePractitioner(
        id="siobhan-o-ceallaigh", name="Siobhán Ó Ceallaigh", email="siobhan@banksia.example"
    ),
    SamplePractitioner(
        id="mei-ling-chen", name="陳美玲 (Mei-Ling Chen)", email="meiling@banksia.example"
    ),
)

CLIENTS = (
    ("Amelia", "Thornbury"),
    ("Noah", "Wattleson"),
    ("Łucja", "Wiśniewska"),
    ("Seán", "Mac Giolla"),
    ("نور", "الدين"),
    ("ליאור", "כהן"),
    ("美咲", "佐藤"),
    ("Þórdís", "Jónsdóttir"),
    ("Anh Thư", "Đặng"),
    ("Olivia", "D'Angelo-Smythe"),
    ("Mateo", "Núñez Ibáñez"),
    ("Priya", "Ramanathan"),
    ("Tāne", "Parata"),
    ("Ингрид", "Соколова"),
    ("Ἑλένη", "Παπαδοπούλου"),
    ("William", "van der Meer"),
    ("Chloé", "Lefèvre"),
    ("Ji-woo", "Bak"),
    ("Ruby", "Coolabah"),
    ("Ibrahim", "Özdemir"),
    ("Ana-María", "Ågren"),
    ("Jack", "Billabong"),
    ("Nomvula", "Dlamini"),
    ("ปวีณา", "ศรีสุข"),
    ("Frédérique", "Côté"),
    ("Leo", "Q"),
    ("Gwendolyn", "Featherstonehaugh-Cholmondeley"),
    ("आरव", "शर्मा"),
    ("Isla", "MacTavish"),
    ("Kiri", "Waaka"),
)

CONSULTATION_TYPES = (
    "Initial consultation",
    "Standard consultation",
    "Standard consultation",
    "Extended consultation",
    "Hydrotherapy",
    "Telehealth review",
    "Splinting & casting",
)
CASUAL_TYPES = ("Walk-in", "Walk-in", "Block-out", "Paperwork")
LOCATIONS = ("Room 1, Newtown", "Room 2, Newtown", "Leichhardt clinic", "Telehealth", "Gym & pool")
RECEPTION = ("Reception", "Sam (front desk)", "Online booking")
NOTES = (
    "Prefers mornings 🌞",
    "Running late? Please ring.",
    "Wheelchair access; 🧑‍🦽 ground floor",
    "First line\nSecond line, with a comma",
    "=1+1 sessions a week, as agreed",
    "<b>Check</b> referral & plan",
    'Says "call me Bea"',
    "يفضل التحدث بالعربية",
)
