"""Notes as clinics write them, that name nobody though many of their words are names as well."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import cycle

SENTENCES = """
Hand therapy review, pain 3/10 at rest.
Hand grip 24 kg left, 31 kg right.
Hands cold in the morning, warm by noon.
Right hand dominant. Left hand splinted at night.
Long walk on Sunday, knee sore since.
Long-standing low back pain, worse in winter.
Long COVID clinic letter received.
Has a long way to go; long term goal is to drive again.
May need a longer splint. May swim once the wound is dry.
May benefit from orthotics, may not.
Review in May or June, after the long weekend.
Booked for 12 May 2026, then 3 June.
Seen in April, March and again in August.
Parks at the rear, walks from the park.
Park bench sit to stand x 10 without hands.
White coat effect, BP 150/90 in the rooms.
White card seen, DVA pays.
Young male athlete, plays on Saturday.
Young at heart, still gardens daily.
Young's modulus poster is on the wall.
Young child, mother present throughout.
Short arc quads 3 x 10, short of full extension by 5 degrees.
Short course of steroids finished Friday.
Rice and ice. RICE for 48 hours.
Rose from the chair without help.
Rose garden at home, kneels a lot.
Will review in two weeks. Will bring X-ray.
Will and power of attorney discussed with social work.
Good will of the employer, light duties offered.
Grace period ends Tuesday.
Saving grace: no swelling.
Mark on skin fades within a minute.
Marked stiffness, marks progress in the diary.
Bill sent to the insurer. Bill unpaid since March.
Frank haematuria, sent to ED.
Frank discussion about weight.
Grant application for equipment sent.
Drew a body chart; pain drew towards the hip.
Chase X-ray report from the hospital.
Chase up GP letter.
Dawn waking with stiffness, better by nine.
Hope is to return to golf in spring.
Joy riding bike again, full of hope.
Faith based charity brings meals.
Pat dry, then tape.
Nick in the skin from shaving, covered.
Jack up the bed end 10 cm.
Jack hammer operator, hand arm vibration.
Rob Roy gait? No: antalgic.
Ray of hope: EMG normal.
Art therapy group on Mondays.
Miles better than last week; ran 3 miles.
Dale Street clinic moved to level 2.
Cliff walk tolerated, 2 km.
Penny dropped about pacing.
Crystal arthropathy, gout likely.
Amber light: pain up to 4 is fine.
Ruby red bruise over the thigh.
Pearl of wisdom: little and often.
Ginger tea for nausea.
Violet bruise, turning yellow and green.
Iris clear, pupils equal.
Ivy rash on both forearms.
Olive oil for scar massage.
Heather allergy, no creams with it.
Holly bush scratch, tetanus up to date.
Summer holidays: home programme given.
Winter swims help. Spring in her step again.
Brown discharge from wound, swab taken.
Green band for rows, black band for legs.
Black toe nail, left great toe.
Grey mood, GP aware.
King size bed, gets out on the right.
King-Devick test normal.
Hill repeats flare the Achilles.
Wood chopping last week, flare since.
Bell's palsy, left. House-Brackmann III.
Bell curve explained to parents.
Baker's cyst at the back of the knee.
Baker by trade, up at three.
Cook by trade, lifts pots of 20 kg.
Page 2 of the form unsigned.
Price list given. Price agreed for the splint.
Cross friction massage, cross-body stretch.
Cross legged sitting hurts.
Red Cross volunteer on Wednesdays.
Field of vision full. Field hockey twice a week.
Fox bite in 2019, no sequelae.
Frost nip in both feet as a boy.
Gold card holder. Gold standard is MRI.
Hall way rails fitted. Town Hall steps managed.
Lane swimming 20 lengths.
Light touch reduced over L5. Light duties until Friday.
Marsh land walk, ankle rolled.
Mills test positive, Cozen negative.
Moon boot off next week. Moon face from steroids.
Noble compression test negative.
North facing ramp is slippery.
Power 4/5 in the deltoid. Power chair ordered.
Reed player, embouchure pain.
Rich diet advised. Sharp pain on twisting.
Sharp debridement of callus.
Stone in kidney, passed in May.
Swift recovery. Wall slides, wall push-ups.
Wall squats held 40 s.
Ward round at nine. Ward transfer to rehab.
Waters broke at 38 weeks. Water based exercise.
Weaver's bottom: ischial bursitis.
Wells score 1, DVT unlikely.
Winter boots with ice grips. Wise to wait.
Best effort on the dynamometer. Best to rest.
Little's area bleeding again. Little toe taped.
Small steps. Strong family support.
Day 3 after surgery. Day surgery in June.
Night pain gone. Knight sleeve fitted.
Carpenter, on his knees all day.
Fisher splint? No, wrist cock-up.
Hunter's canal block last year.
Hunter boots too tight.
Mason by trade; Mason type II radial head fracture.
Miller by trade, dust mask on.
Potter's wheel hurts the thumb.
Porter brought him by chair.
Tailor bunion, both feet.
Turner syndrome, short stature.
Walker with seat, Walker boot for four weeks.
Cooper test 2200 m.
Speed's test positive, Speed ladder drills.
Allen's test normal, good refill.
Love of tennis, plays on Love Street courts.
Church steps are the goal.
Bishop score noted by midwife.
Bond with baby good. Bond Street bus stops outside.
Berry aneurysm clipped in 2012.
Bird watching, neck extension hurts.
Bull riding accident years ago.
Cash paid. Castle Hill rooms closed on Monday.
Coach says two more weeks. Coach travel was fine.
Cotton wool between the toes. Cotton test negative.
Crane operator, sits nine hours.
Daily Living aids from Independent Living Centre.
Dean of the faculty, desk job.
Early onset, East wing lift broken.
Farmer, calving season in spring.
Fair skin, sunscreen under tape.
Fear of falling. Fear avoidance high.
Gentle mobilisation grade II.
Green whistle on scene. Ground floor unit.
Guide dog in training. Guy ropes hurt his hands.
Head down for one hour. Heart rate 72.
Heel raises 2 x 15. Heel spur on X-ray.
Hip Hop class on Thursdays. Hook grasp weak.
Ice pack after class. Iron infusion booked.
Joint line tenderness. Judge by pain next day.
Key pinch 5 kg. Keen to return to work.
Lamb's wool in the boot. Lazy eye as a child.
Leaf blower use aggravates.
Love handles hide the iliac crest.
Lock knee briefly, then release.
Lunch at noon, pain after.
Major concern is sleep. Major Road crossing is hard.
Mint tea. Monday mornings are worst.
Moody since Tuesday. Moss on the path, slipped.
Neck brace off. New shoes help.
Nurse dressed the wound. Oak flooring is slippery.
Old fracture on film. Orange band next.
Palm up test. Parrot beak tear of the meniscus.
Peak flow 420. Plain film clear.
Pool session on Friday. Pop heard at the time.
Prime mover is glute max. Prince of Wales referral.
Race in October, taper from now.
Rest day between sessions. Ring sizer: 11.
River walk flat, 30 minutes.
Rush to catch the bus, calf tear.
Saint John ambulance attended.
Sand walking. Salt bath for wound.
Sales job, drives all day. Savage cramp at night.
School bag under 10 percent of weight.
Scale 0 to 10. Scan on Thursday.
Snow trip in July, needs brace.
Sole wear on the outside. South entrance has a ramp.
Spring loaded splint. Star excursion balance test 82 percent.
Steel toe boots. Stern warning from surgeon.
Stroke in 2018. Sugar low at 11.
Sunny disposition. Tank top worn.
Tall stool at work. Temple pain with chewing.
Tender over the Trigger point.
Trim nails. True leg length equal.
Twin pregnancy, 28 weeks.
Vest worn for spine. Violet light.
Wake at four. Wales trip in September.
West Gym, level 1. Wolf whistle tinnitus.
Wren Street rooms. Yard work on the weekend.
"""


def ordinary_notes(count: int, seed: int = 11) -> Iterator[str]:
    """One to three lines each."""
    chance = random.Random(seed)
    lines = [line for line in SENTENCES.splitlines() if line]
    for _ in range(count):
        yield "\n".join(chance.sample(lines, chance.choice((1, 2, 2, 3))))


FAMILY = """
Hand Long May Park White Young Short Rice Brown Green Black Grey King Hill Wood Bell Baker
Cook Page Price Cross Field Fox Frost Gold Hall Lane Light Marsh Mills Moon Moss Noble North
Pope Power Reed Rich Sharp Stone Swift Wall Ward Waters Weaver Wells Winter Wise Best Little
Small Strong Day Knight Carpenter Fisher Hunter Mason Miller Potter Porter Turner Walker
Cooper Speed Allen Love Church Bishop Bond Berry Bird Bull Cash Castle Coach Cotton Crane
Dean Early East Farmer Fair Fear Gentle Guy Head Heard Hook Ice Judge Key Lamb Leaf Lock
Lunch Major Monday Moody Neck Nurse Oak Palm Parrot Peak Pool Prince Race Ring River Rush
Saint Sand Sales Savage School Snow Sole South Spring Star Steel Stern Stroke Sunny Tank Tall
Temple Tender Trim Twin Vest Wake Wales West Wolf Wren Yard Summer Friday
"""
GIVEN = """
Rose Will Grace Mark Bill Frank Grant Drew Chase Dawn Hope Joy Faith Pat Nick Jack Rob Ray
Art Miles Dale Cliff Penny Crystal Amber Ruby Pearl Ginger Violet Iris Ivy Olive Heather
Holly April June August
"""
CLIENTS = [*zip(cycle(GIVEN.split()), FAMILY.split(), strict=False)]
"""People whose names are all ordinary words."""
