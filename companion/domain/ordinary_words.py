"""Words which a note holds for themselves though people are called so too, and what surrounds them.

They decide whether "may" is a person: see the rule in `companion.domain.redaction`. All are
skeletons (lower case, no accents). A word that is missing here and is somebody's name is taken
out everywhere, so that a gap hides too much rather than too little.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ORDINARY = _words(
    """
    a able about above ace ache act active after again age ago ah aid air all allen alright
    also am an and angle ankle any apple april arch are area arm armour army around art as ash
    ask at august autumn away axe baby back bacon bad bag baker ball band banks bar barber bark
    barn baron bass bath bay be beach beam bean bear beard beat because bed beech been bell
    below belt bench bend berry best better bill bills birch bird bit black blade blank bliss
    block blood bloom blue boat body bold bond bone book booth born both bow bowl bowling box
    boy brace brain branch brand brave bray bread break breast brick bridge bright broad brook
    broom brown brush buck bud bull burden burn burns burrow bush busy but butcher butt butter
    buy by cable cage cain cake calf call came camp can cane cannon canon cap car card care
    carpenter carrier carry cart carver case cash castle cat cause chair chamber chambers
    chance change chase cheek cheese cherry chest chew child chin choice church city clay clean
    clear clerk click cliff close cloud coach coal coat coffee cold cole collar colour come
    comfort con cook cool cope corn corner cost cotton couch could court cover cow crane crisp
    crop cross crow crown crystal cup curl curry curve cut daily dale dance dark dash date dawn
    day days deal dear dee deep deer dell den destiny did diet dim dish do doctor does dog doll
    done door dot down draw drew drive drop drum drummer dry duck due duke dusk dust duty each
    ear early earth east easter easy ed eden edge eight elder else end english enough even ever
    every eye eyre face fair faith fall fan far farm farmer farrow fast fat father fear feather
    feet fell felt fence fern few field fields fife fig file find fine finger finish fire first
    fish fisher fist fit five flag flat fleet flint flood floor flow flower flowers fly fog
    foot for force ford forest form forth four fox frame francs frank free freeman freeze
    french fresh friday friend from frost full fuller fun funk gain gale gallery game garden
    gardener gate gates gay gem general gentle gently get gift gill ginger girl give glad glass
    glove go goal god gold golden good goose got grace grain grand grant grass grave graves
    gray great green grey grip groom ground grove grow guard guide gum gun guy had hair hale
    half hall ham hand hands handy happy harbour hard hardy harm harp has haste hat have haven
    hawk hay he head heal healer heart heat heath heaven heavy heel help hen her herb here hi
    high hill hilly hip his hit hive ho hog hold holder holiday home honey honour hood hook
    hope horn horse hot house how hum hunt hunter hurt husband i ice if in instance iris iron
    is it ivory jam january jar jay jet jewel job jolly joy joys judge july june junior just
    keen keep kettle key keys kid kind king kiss kitchen kite knee knife knight knot know
    knuckle lace lack ladder lady lake lamb lamp land lane large lark last late latter laurel
    law lawn lax lay lazy lead leader leaf league leak lean learn least leather leave led left
    leg legend lemon less let level liberty life lift light like limb lime line link lion lip
    list little live load lock lodge loft log lone long look loom loop lord lot loud love low
    lower luck lucky lump lunch lung lyric ma mace made magic main make male mall man manner
    many marble march mark marks mass master mat match mate matter may mayor me mead meadow
    meadows mean meat medal media mellow melody memory men mercer merchant mercy mere merit
    merry met middle mile miles mill miller mills mind mine mint miss mist mo moment monday
    money monk moody moon moor more morning moss most mother mount mountain mouse mouth move
    much mud muscle music must my nail name nap narrow nature near neat neck need needle nerve
    nest new news next nice night nine no noble noise none noon north nose not note november
    now nurse nut oak oaks oat odd of off office oil old olive on once one only open or orange
    orchard order other otter our out outlaw over own ox pace pack page pain paint painter pair
    palm pan paper parade park parks parrot part pass past pat patch patience pay peace peach
    peacock peak pear pearl peck peel pen penny people pepper period person petal pick piece
    pigeon pike pillow pin pine pink pipe pit place plain plan plane plant play player please
    plum point pole pond pool poor pope poppy port porter post pot potter pound pour power
    practice pray press price pride priest prime prince print prior privet pro proper proud
    prudence pull puma pump purple push put quick quiet quill race rain rains ram ran ranger
    rash rate rather raven raw ray reach read reader ready reason red reed reel rest rice rich
    ride ridge right ring rise ritual river rivers road rob rock rod rode roll rolls roman roof
    rook room root rose rough round row royal rude rue run rush rust sad saddle safe sage said
    sail saint sale salmon salt same sand sands saturday savage save saw say scale scan school
    score scott sea seal season seat seed self sell send senior sense september serve session
    set seven shade shadow sharp she sheep sheet shepherd shield shift shin ship shirt shock
    shoe short shot should shoulder show shrub sick side sight sign silence silk silver simple
    singer single sip sit site six size skill skin skinner sky slack slate sleep slight slim
    slip slope slow small smart smile smoke smooth snail snow so soft sole some son song soon
    sore sorrow sorry sort soul sound soup south space spade spain spare spark sparrow speed
    spell spice spine spring square staff stage stair stairs stamp stand standing star stark
    stars start state stay steady steam steel steep stem step stern stick stiff still stock
    stone stool stop storm story straight strain strand strange stream street stretch string
    stroke strong sty such sugar suit summer sun sunday sunny sure surge swallow swan sweet
    swell swift swim sword table tailor take talent tall tank tanner tape task taste tea teal
    team tear tell temple ten tend tender term test than thanks that the them then there they
    thigh thing think third this thorn three throw thumb thursday ticket tie tight tile till
    time times tin tiny tip tired to toe told toll tone too tool tooth top total touch tower
    town track trail train tread treasure treat tree trick trim trinity true trust try tub tuck
    trans tuesday tune turn turner twelve twig twin twist two ulna under unity up upper us use vale
    valley van veil vein velvet very vest vet victor view vine vinegar violet virtue vision
    vital voice wade wait wake wales walk walker wall walls want war ward warden warm warn
    warner was wash waste watch water waters wave wax way we weak wealth wear weather weaver
    web wedge wednesday weed week weight welcome well wells went were west wet whale what wheat
    wheel when where while whistle white whole why wick wide wife wild will willing willow win
    wind window wine wing winner winter wise wish with wolf woman wonder wood woods wool word
    work worker world worth wound wren wrist write wrong yard year years yellow yes yet yew
    yoga york you young younger your youth zest
    """
)
"""Words of everyday and clinical English that are first or family names as well."""

TITLES = _words(
    """
    mr mrs ms miss mx master dr doctor prof professor sir dame lady lord rev reverend fr br
    mister madam mme mlle herr frau hr fru sra señora senora senor sig sister father
    """
)
SUFFIXES = _words(
    """
    jr jnr sr snr ii iii iv esq obe am ao oam phd md
    """
)
PARTICLES = _words(
    """
    de da di do du des del della dello dos das der den dem van von vom zu zum zur ten ter te la
    le les lo el al as abu bin bint ben ibn ap ab mac mc fitz o d st saint y und
    """
)
"""Small words of a family name; alone they name nobody."""
MARKS = _words(
    """
    dva epc cdm ndis tac wc workcover comcare icare ctp gp medicare private pension pensioner
    hcc file ref no number id client patient new old current discharged inactive active
    archived deceased dec do not use duplicate dup vip staff self managed plan agency aged care
    hcp chsp home visit telehealth tele phone mobile child minor adult male female interpreter
    english referral referred group gold white card bulk billed nee née formerly aka known as
    prefers preferred was ex
    """
)
"""What practices write behind a name: who pays, the file, a warning."""
MONTHS = _words(
    """
    january april may march june july august september november
    """
)
BEFORE_A_MONTH = _words(
    """
    in since until till late early mid next last of this end
    """
)
STAYS_BEFORE = _words(
    """
    therapy therapist therapies exercise exercises splint splints clinic clinics injury
    injuries surgery surgeon pain brace function strength strengthening grip physio
    physiotherapy hospital street st road rd avenue ave lane drive court centre center house
    place parade crescent terrace term wait day weekend card rehab review assessment programme
    program consultation appointment appt session orthosis massage held walk hill cross care
    medical surgery unit ward room building school college university pilates group class plan
    orthotics dynamometer fracture cast tendon joint nerve muscle stretch stretches tape
    walking
    """
)
"""With one of these behind it, an ordinary word is part of a thing's name: Hand Therapy."""
PERSON_DOES = _words(
    """
    called calls rang rings phoned phones emailed texted cancelled canceled cancels asked asks
    says said arrived attended attends booked confirmed prefers wants wanted paid reports
    reported complains complained came lives thinks told mentioned requested declined
    rescheduled forgot
    """
)
"""A capitalised word in front of one of these is who does it."""
NOT_AFTER_A_TITLE = _words(
    """
    may will can could should must had has is was do did said to
    """
)
