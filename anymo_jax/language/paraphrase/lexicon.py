"""Words that the rules know: verbs and their forms, subjects, manners, synonyms.

What is not listed here is never changed.
"""

import re

# Verbs of movement and of daily activities, in their base form.
_VERBS = """
act adjust aim applaud apply arrange ascend assemble attach balance bathe beat bend bite
bounce bow bowl box brush build butter call capture carry catch change charge chat check
chew chop circle clap clean clench climb close collect comb cook cough crack crawl creep
cross crouch curl cut cycle dance dash descend dig direct do drag draw dress dribble
drink drive drop dry duck eat embrace empty enter erase exercise exit explain fall feed
fetch fill fix flip fold follow gallop gaze gesture get give glance glide go grab grasp
greet grind grip guide hammer hang have hit hold hoover hop hug hurry insert inspect
iron jog juggle jump keep kick knead kneel knit knock ladle lay lead lean leap let lie
lift limp load look lower lunge make march mash massage measure mix mop move navigate
nod open operate order organize pace pack paddle paint pat pedal peel perform pet pick
place plant play point poke polish pose pour practice pray prepare press pull pump punch
push put raise reach read relax relocate remain remove repair rest return ride rinse
rise roll rotate row rub run saw scan scoop scratch scrub serve set sew shake shave
shift shoot shop shovel show shrug shuffle sing sip sit skate skip slash sleep slice
slide slip smoke smooth snack sneeze spin spoon spray spread sprint squat squeeze stack
stagger stamp stand start stay steer step stick stir stock stoop stop stretch stroll
strum stumble swat sway sweep swim swing swipe switch tackle take talk tap tape tear
tend text throw thrust tie tighten tilt tip toss touch trace train travel tread trim
trip try turn twirl twist type unfold unload unpack unscrew untangle use vacuum vault
wag wait walk wander wash watch wave wear whisk wind wipe work wrap write yawn
"""
_IRREGULAR_THIRD = {"do": "does", "go": "goes", "have": "has"}
_IRREGULAR_GERUND = {"squat": "squatting"}
_DOUBLED = re.compile(r"[^aeiou]*[aeiou][^aeiouwxy]")


def third_person(verb: str) -> str:
    """Third person singular of a base form."""
    if verb in _IRREGULAR_THIRD:
        return _IRREGULAR_THIRD[verb]
    if re.search(r"(?:s|x|z|ch|sh)$", verb):
        return f"{verb}es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", verb) + "s"


def gerund(verb: str) -> str:
    """The -ing form of a base form."""
    if verb in _IRREGULAR_GERUND:
        return _IRREGULAR_GERUND[verb]
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not re.search(r"[eoy]e$", verb):
        return f"{verb[:-1]}ing"
    if _DOUBLED.fullmatch(verb):
        return f"{verb}{verb[-1]}ing"
    return f"{verb}ing"


VERBS = tuple(_VERBS.split())
OF_THIRD = {third_person(verb): verb for verb in VERBS}
OF_GERUND = {gerund(verb): verb for verb in VERBS}

# Subjects that tell nothing of the person, and may take one another's place.
SUBJECTS = ("a person", "someone", "the person", "the wearer", "the subject")
_GENERIC = (*SUBJECTS, "somebody", "the participant", "an individual", "a human")
_ROLES = (
    "player|batter|boxer|baker|mechanic|carpenter|worker|cook|driver|dancer|runner|"
    "man|woman|boy|girl|child|hand|arm|leg|foot"
)
GENERIC = re.compile(rf"(?:{'|'.join(_GENERIC)})\b", re.IGNORECASE)
ROLE = re.compile(rf"(?:an?|the)\s(?:\w+\s){{0,2}}?(?:{_ROLES})\b", re.IGNORECASE)

_MANNERS = """
actively angrily briskly calmly carefully continuously energetically gently happily
lightly proudly quickly rapidly repeatedly rhythmically sadly slowly smoothly softly
steadily strongly tiredly
"""
# Adverbs that may stand before the verb, behind it or at the end.
MANNERS = frozenset(_MANNERS.split())
_NOUNS_BEHIND = """
drill exercise gesture jack jacks machine motion movement pattern pose position posture
routine session shoes stroke
"""
# Words behind an -ing form that make a noun of it ("jumping jacks", "rowing machine").
NOUNS_BEHIND = frozenset(_NOUNS_BEHIND.split())
# Third persons that are nouns unless an object follows ("bottles and boxes").
_PLURALS = """
boxes brushes circles combs cuts drinks hammers irons kicks plants punches tapes texts
"""
PLURALS = frozenset(_PLURALS.split())
# Exercises, which are done: "push-ups at 38 per minute", "nordic walking".
EXERCISE = re.compile(
    r"(?:[\w-]+\s){0,2}(?:[\w-]{2,}ing(?<!swing)|jacks|(?:push|sit|pull|press)-ups|squats|lunges|"
    r"bends|curls|circles|crunches|jumps)(?:\s(?:at|with|without|on|to|from|in)\b.*)?"
)
# Verbs whose objects are movements ("does squats and lunges").
OF_MOVEMENTS = frozenset(("do", "perform", "practice"))
# Of one meaning wherever they stand.
SYNONYMS = (
    ("again and again", "over and over", "repeatedly"),
    ("on the spot", "in place"),
    ("to and fro", "back and forth"),
    ("as if", "as though"),
    ("an elevator", "a lift"),
    ("an exercise bike", "a stationary bike"),
    ("mobile phone", "cell phone"),
    ("television", "tv"),
    ("couch", "sofa"),
    ("level ground", "flat ground"),
    ("a staircase", "a flight of stairs"),
    (" and then ", ", then "),
    ("towards", "toward"),
    ("feminine way", "feminine manner"),
    ("masculine way", "masculine manner"),
    ("youthful way", "youthful manner"),
    ("normal pace", "normal speed"),
    ("steady pace", "steady speed"),
    ("slow pace", "slow speed"),
)
