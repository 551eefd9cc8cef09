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
    a able about above ace ache act active after again age ago ah aid aide air all allen alley
    almond alright also am an and angle ankle any apple april arch are area arm armour arms army
    around art as ash ask at august autumn away axe azure baby back bacon bad badger bag bail baker
    bale ball balls band bang bank banker banks banner bar barber bare barefoot barge bark barley
    barn baron barren barrier barrow bass bath battle bay be beach beam bean bear beard beat beaver
    because bed bee beech been beer bell below belt bench bend bender bent berry best better
    beverage bias big bill bills binder birch bird bit bitter black blade blank blaze blessing
    blind bliss blizzard block blood bloom blossom blow blue blunt board boat bodily body bold
    bolster bolt bond bone bonnet book booth boots border boring born both bottom bounds bow bowl
    bowling box boy brace brain brake branch brand brandy brave bray bread break breast breed
    breeze brew brewer brick bridge bright broad brook broom brown brush buck buckle bud bull bump
    bunch bunker bunny burden burn burner burns burrow bury bush busy but butcher butler butt
    butter button buy by bye cable cadet cage cain cake calf call came camp can cancel candy cane
    cannon canon cap cape car card cardinal care cargo carpenter carrier carry cart carver case
    cash castle cat cause cave center centre chair chalk chamber chambers champ champion chance
    change channel chapel charity chase check cheek cheese cherry chess chest chew chick child
    chill chin choice church citizen city class clay clean clear clerk clever click client cliff
    close cloud clover coach coal coat coffee coke cold cole collar colon colour come comes comfort
    commander commons con cone constable constant converse cook cool cope copper coral core corn
    corner cost cotton couch could court cousin cover covert cow coward craft crane creed creek
    crew crisp crook crop cross crow crown crumble crystal cue cuff cup curl current curry curve
    cut cutter cutting daily dale dam dance dare dark dart dash date dawn day days deacon deal dear
    deck dee deeds deep deer degree delay dell den dent deputy desire dessert destiny dew dial
    diamond dice did diet dim dish ditch ditto divers divine do dock doctor dodge does dog dole
    doll dollar dolphin done door dot dove down drain draper draw dress drew drive driver drop
    drown drum drummer dry duck due duet duke dull dusk dust dusty duty dye each eager eagle ear
    early earnest earth east easter easy echo ed eden edge eight elder else emerald end english
    enough even ever every eye eyre face fair fairy faith fall fan far farm farmer farrow fast fat
    father favorite favourite fear feather fee feet fell felt fence fender fern ferry few field
    fields fife fig file filler find fine finger finish fire first fish fisher fist fit fitting
    five fix flag flat fleet flick flint flock flood floor flora flow flower flowers fly fog folk
    font foot for force ford foreman forest form fort forth fortune forward fountain four fox frame
    francs frank free freeman freeze french fresh friday friend from frost fry fudge full fuller
    fun funk gain gains gala gale gallery gamble game garden gardener garrison gate gates gay gem
    gene general gentle gently get gift gill ginger girl give given glad glass glory gloss glove go
    goal god gold golden good goods goose gore got grace grain gram grand grant grass grave gravel
    graves gray great green grey grieve grim grinder grip groom ground grounds grove grow guard
    guess guest guide gum gun guy hacker had hail hair hale half hall ham hammer hand handler hands
    handy happy harbour hard harden harder hardy hare harm harness harp harsh has haste hasty hat
    hatch have haven hawk hay hazard he head heal healer heap heaps heard heart heat heater heath
    heaven heavy heel height help hen her herald herb herd here hi high hill hilly hip his hit
    hitch hive ho hobby hog hold holder holding hole holiday home honey honour hood hook hope
    hopper horn horse hose hot house how hull hum human hung hunger hunt hunter hurdle hurt husband
    i ice if in instance iris iron is it ivory jam january jar jay jeans jet jewel job jolly
    journey joy joys judge july jump jumper june junior just kale karma keen keep kettle key keys
    kid kidney kind king kiss kit kitchen kite kitty knee knife knight knot know knuckle knuckles
    lace lack ladder lady lake lamb lamp land lane large lark lash last latch late latter laughter
    laurel law lawn lawyer lax lay lazy lead leader leaf league leak lean learn lease least leather
    leave led ledger left leg legend leisure lemon lent leopard less lesser let level lever liberty
    life lift light like limb lime line liner link lion lip list little live lively load loan lock
    lodge loft log lone long look loom loop loose lord lore lot loud love loving low lower luck
    lucky lump lunch lung lust lyric ma mace made magic maiden main maize major majors make male
    mall man manner manners manor manual many maple marble march marine mark marker marks marrow
    marshal mart marvel mash mask mass mast master mat match mate matter may mayor maze me mead
    meadow meadows mean meat medal media meek mellow melody memory men mercer merchant mercy mere
    merit merry messenger met middle mile miles mill miller million mills min mind mine miner mines
    minor mint miracle miss mist misty mo mole moment monday money monk moody moon moor more
    morning moss most mother mount mountain mouse mouth move much mud mule muscle muse music must
    my nail name nap narrow natal nation nature near neat neck need needle nerve nest new newcomer
    news next nice nicely nickel night nightingale nine no noble noise none noon north northern
    nose not note november now null nurse nut oak oaks oat odd of off office officer oil old olive
    on once one only open or orange orchard order organ other otter our out outlaw over overall own
    ox pace pack page pain paint painter pair palm pan panther paper parade paradise pardon parent
    park parks parrot part pass past pastor pat patch patience pay peace peach peacock peak pear
    pearl peck peek peel peer peg pen penny people pepper period person petal petite petty pick
    pickle piece pier pigeon pike pilgrim pillar pillow pilot pin pine ping pink pipe piper pit
    pitcher place plain plan plane plant plaster play player plaza pleasant please plum point
    pointer pole poll pond ponder pool poor pope poppy porch port porter post pot potter pound pour
    power practice pray precious press price pride priest prime prince princess print prior privet
    pro profit proper proud prudence puff pull puma pump punch purple push put quick quiet quill
    race rain rains rake ram ran ranger rank ransom rash rate rather raven raw ray reach read
    reader reading ready real reaper reason record rector red reed reel register rest rice rich
    riddle ride rider ridge riding right ring rink ripple rise risk ritual river rivers roach road
    rob rock rocker rocky rod rode rogue roll roller rolling rolls roman roof rook room root rose
    rough round row royal rude rue rule run runner running rush rushing rust rye sack sad saddle
    safe sage said sail sailor saint sale sales salmon salt same sample sand sands saturday savage
    save saw say scale scales scan school score scott sea seal season seat see seed self sell send
    senior sense september serve service session sessions set settle seven severe shade shadow
    shake sharp she shear sheen sheep sheet shell shepherd shield shift shin shine ship shirt shock
    shoe shore short shorter shorts shot should shoulder show shrub shy sick side sides sight sign
    silence silk silver simple sing singer single sink sip sit site six size skill skin skinner
    skipper sky slack slate slay sleep slight slim slip slope slow sly small smart smile smoke
    smooth snail snow so sober soft solar sole some son song soon sore sorrow sorry sort soul sound
    soup south southern space spade spain span spare spark sparkle sparks sparrow speaker spear
    speed spell spice spine spoon spray spring sprinkle square staff stage stair stairs stall stamp
    stand standard standing star stark stars start state stay steady steam steel steep stem step
    stern stick stiff still stock stocking stocks stone stool stop storm story stout straight
    strain strand strange straw stream street streets stretch string stroke strong struck stuck
    stump sty such sugar suit summer sun sunday sunny super sure surface surge swallow swan sweat
    sweet swell swift swim sword table tack tad tailor take talent tall tally tan tank tanner tape
    tart task taste tea teal team tear tee tell temple ten tend tender term test than thanks that
    the them then there they thigh thing think third this thorn three thrift throw thumb thursday
    ticket tie tiger tight tile till time times tin tiny tip tired to toe told toll ton tone too
    tool tooth top topping total touch tow tower town toy track trader trail train trainer trans
    tread treasure treat tree trick trim trinity troop trout true truss trust try tub tuck tuesday
    tune turn turner tutor twelve twig twin twist two ulna under unity up upper us use utter vale
    valentine valley van vanish veil vein velvet very vest vet vice victor view villa vine vinegar
    vineyard violet virtue vision vital voice wade wages wait wake wales walk walker wall walls
    waltz want war ward warden ware warm warn warner was wash washer waste watch water waters watt
    wave wax way we weak wealth wear weary weather weaver web wedding wedge wednesday weed week
    weekly weight welcome well wells went were west western wet whale what wheat wheel wheeler when
    where while whistle white whole why wick wide wife wild will willing willow win wind window
    wine wing winger wink winner winter wire wisdom wise wish with witty wolf woman won wonder wood
    wooden woodland woods wool word work worker works world worm worth wound wren wrist write wrong
    yard year years yellow yes yet yew yoga york you young younger your youth zest
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
DAYS = _words(
    """
    monday tuesday wednesday thursday friday saturday sunday
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
    walking boot boots ladder wing frame sleeve syndrome disease palsy cyst sign score scale index
    rooms gym entrance technique
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
EPONYMS = frozenset(
    (name, thing)
    for names, _, thing in (line.rpartition(": ") for line in (
        "adam allen apley brien cooper cotton cozen ely finkelstein fisher hallpike hawkins: test",
        "lachman mcmurray mill mills neer noble ober phalen romberg schober speed spurling: test",
        "thomas thompson tinel tinetti watson yergason: test",
        "babinski hoffmann kernig murphy romberg tinel trendelenburg: sign",
        "addison alzheimer crohn graves paget parkinson perthes scheuermann wilson: disease",
        "cushing down hunter marfan raynaud reye sjogren turner: syndrome",
        "berg borg epworth: scale",
        "bishop wells: score",
        "barthel oswestry: index",
        "guyon hunter: canal",
        "bell erb: palsy",
        "baker: cyst",
        "berg: balance",
        "dupuytren: contracture",
        "lamb: wool",
        "little: area",
        "mason: type",
        "morton: neuroma",
        "noble: compression",
        "potter: wheel",
        "weaver: bottom",
        "young: modulus",
    ))
    for name in names.split()
)  # fmt: skip
"""Tests, signs and diseases that bear a name: Young's modulus, Thomas test."""
EPONYM_NAMES = frozenset(name for name, _ in EPONYMS)
