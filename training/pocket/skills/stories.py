# ruff: noqa: E501 - templates, one a line
"""Tiny stories: a hero, a place, a thing and a friend, put together from parts that fit."""

from __future__ import annotations

import re

from .. import words
from ..chat import Chat, Reply, Turn

OPENING = [
    "{Once upon a time|Long ago|Not so long ago}, there {was|lived} a <trait> <kind> {called|named} <hero>{| <home>}.",
    "<Hero> was a <trait> <kind> who lived <home>.",
    "{High up in the hills|In a green valley|On a small farm|Far away from here|At the edge of the woods|In a quiet village} {there lived|lived} a <trait> <kind> {called|named} <hero>.",
    "{There once was|Once there was} a <trait> <kind> {called|named} <hero>.",
]  # fmt: skip
HOMES = ["high in the Andes", "in a green valley", "on a small farm", "behind the last hill", "by a quiet river", "in a village at the foot of a mountain", "in an old stone stable", "where the clouds touch the hills"]  # fmt: skip
# Each plot is a list of sentences; <thing> is "a red scarf", <the_thing> is "the red scarf".
PLOTS = [
    ["One {day|morning|evening}, <hero> {went to|set out for|walked all the way to} <place> and found <thing>{ in the grass| under a tree| beside the path|}.",
     "{Nobody knew|It was not clear} whose it was, so <hero> asked {everyone|all the animals}, until a <friend> {cried|said|called out}: \"{That's mine|I have looked for it everywhere|I lost it long ago}!\"",
     "<Hero> gave <the_thing> back, and {the two became friends|from that day on they were friends|the <friend> shared a {cake|bag of hay|big apple} with <hero>}."],
    ["One night a {storm|strong wind|thick fog} came over <place>, and a small <friend> {could not find the way home|got lost|cried for help}.",
     "{<Hero> was afraid, but went out anyway|<Hero> took a deep breath and stepped outside|Everyone hid, but <hero> did not}, {carrying|with} <thing>.",
     "{Step by step|Slowly|Humming softly}, <hero> {led|carried|brought} the <friend> home, and {in the morning the whole herd cheered|by sunrise everyone was safe|they drank warm milk together}."],
    ["<Hero> {had one wish|dreamed of one thing}: to {see <place>|climb the highest hill|sing in front of the whole herd|find <thing>}.",
     "{A wise|A kind|An old} <friend> said: \"{Begin with one step|The road is long, but you have good feet|You only need a little courage}.\"",
     "So <hero> {walked for three days|tried, and fell, and tried again|set off at sunrise}, and in the end {the wish came true|it worked|<hero> stood there and smiled}. {The view was wonderful.|It was worth every step.|And <thing> was waiting there.}"],
    ["One day <thing> {fell from the sky|lay in front of the stable|rolled down the hill} and {landed right in front of|stopped at the feet of} <hero>.",
     "{\"What can I do with this?\"|\"How strange!\"|\"Is this for me?\"} {wondered|said|asked} <hero>, and {showed it to|took it to} the <friend>.",
     "Together they {took it to|brought it to|carried it all the way to} <place>, {and everyone there laughed with joy|where it made a hundred children happy|where they found out that it was magic}."],
    ["{Every evening|Every day|Each morning} <hero> {looked at|thought of|dreamed of} <place> and {sighed|hummed a little song}.",
     "Then a <friend> {came by|arrived} with <thing> and {asked|said}: \"{Shall we go there together|Come with me|Why don't we go and see it}?\"",
     "They {went|travelled}, they {laughed|sang|danced}, and {when the stars came out|at the end of the day|by nightfall} <hero> {knew that friends make every road short|was the happiest <kind> in the world|fell asleep with a smile}."],
    ["The {others|other animals} {laughed at|teased} <hero> for being so <trait>.",
     "But when a <friend> {fell into the river|was stuck on a cliff|lost <thing>} near <place>, only <hero> {knew what to do|was there to help|dared to help}.",
     "{With a long neck and a strong back|With a rope and a lot of patience|Calmly and gently}, <hero> saved the day, and {nobody laughed any more|everyone said thank you|the others asked for forgiveness}."],
    ["One morning <the_thing> of the {village|herd|old shepherd} was gone!",
     "<Hero> followed {small footprints|a trail of crumbs|a strange sound} all the way to <place>, and there sat a <friend>, {crying|very hungry|cold and alone}.",
     "\"{I only wanted to have a friend|I'm sorry|I was so lonely}\", said the <friend>. So <hero> {brought them both home|invited the <friend> to stay}, and {all was forgiven|there was a feast for all|nobody was lonely any more}."],
]  # fmt: skip
CLOSING = [
    "{The end.|And that was a very good day.|And if you listen at night, you can still hear <hero> hum.|Since then, <hero> has never been afraid again.|<Hero> smiled all the way home.|And they all slept well that night.|And so the day ended well.||}",
]  # fmt: skip
ASK = [
    "{Tell me|Can you tell me|Could you tell me|Please tell me|I want to hear|I'd like|Give me|Write|Write me|Make up|Can you write} {a|another|one} {|tiny |short |little |small |nice |bedtime |quick |mini }story{<about>| <about>| <about>}{.|?|!|}",
    "{A|Another} {|tiny |short |little |bedtime }story{<about>| <about>}, please{.|!|}|{Story|Story time|Story please|Bedtime story}{.|!|}",
    "{I'd love|I'd like to hear|Let's hear|How about|I want|We want|Could I hear|May I have|Could we have|Please make up|Invent|Can you invent|Think up|Now tell me|Write down} {a|one|another} {|tiny |short |little |nice |bedtime }{story|story|tale}{<about>| <about>| <about>}{.|?|!|, please|}",
    "{Story|Bedtime story|Tale|Short story|Quick story}{<about>| <about>| <about>}{.||!|, please}",
    "{Do you know|Have you got|Do you have} {a|any} {|nice |good |short }{story|stories}{ <about>|}?",
]  # fmt: skip
SEQUEL = [
    "{The next day|A week later|Some time later|When spring came}, <hero> {went back to|returned to|visited} <place>, {and found <thing> there|and met a new friend, a <friend>|where a <friend> was already waiting}. {They had tea and told each other stories until sunset.|It was the start of a new adventure.|And they {danced|sang|played} until the moon came out.}",
    "{After that|Later}, <hero> {told everyone about it|became quite famous|rested for three days}, and {a <friend> came from far away just to say hello|the herd made a song about it|even the old <friend> was proud}. {And that really is the end.|But that is another story.|}",
]  # fmt: skip
KINDS = ["llama"] * 12 + words.ANIMALS + ["dragon", "robot", "princess", "knight", "wizard", "ghost", "unicorn", "dinosaur", "snowman", "mermaid", "pirate", "astronaut", "monster", "witch", "elf"]  # fmt: skip


def _the(thing: str) -> str:
    return "the " + thing.split(" ", 1)[1] if thing.startswith(("a ", "an ")) else thing


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def compose(chat: Chat, hero: str, kind: str, trait: str, place: str, thing: str, friend: str,
            short: bool = False) -> str:  # fmt: skip
    """One story from its parts."""
    slots = {
        "kind": kind,
        "trait": trait,
        "place": place,
        "thing": thing,
        "friend": friend,
        "hero": hero,
    }
    slots["the_thing"] = _the(thing)
    slots["home"] = chat.rng.choice(HOMES)

    def say(template: str) -> str:
        template = template.replace("<Hero>", "<hero>").replace("a <trait>", f"{_article(trait)} <trait>")  # fmt: skip
        template = template.replace("a <friend>", f"{_article(friend)} <friend>")
        return chat.say(template, **slots)

    opening = say(chat.rng.choice(OPENING))
    plot = [say(sentence) for sentence in chat.rng.choice(PLOTS)]
    if short:
        return f"{opening} {plot[-1]}"
    text = " ".join([opening, *plot, say(CLOSING[0])]).strip()
    return text.replace("  ", " ")


MORE_KINDS = words._list("""
mole, otter, badger, crow, raven, robin, stork, pigeon, moth, beetle, ant, spider, worm, salmon, trout, walrus, lynx,
moose, bison, yak, pony, foal, lamb, chick, puppy, kitten, piglet, calf, hare, weasel, lemur, toad, newt, gecko, bat,
stag, ferret, cricket, ladybird, firefly, dragonfly, jellyfish, starfish, seagull, hawk, falcon, wren, finch, magpie,
giant, troll, fairy, dwarf, goblin, king, queen, prince, sailor, baker, farmer, cook, teacher, girl, boy, clown, monk,
train, boat, car, tractor, bus, cloud, star, tree, stone, house, lamp, clock, teapot, pencil, shoe, scarecrow, puppet
""")  # fmt: skip
ADJECTIVES = words.COLOURS[:16] * 2 + words._list("golden, silver, wooden, old, tiny, broken, magic, shiny, lost, huge, little, warm, secret, round, paper, glass, velvet, rusty, striped, soft, stone, glowing, purple, empty, heavy")  # fmt: skip
NOUNS = words._list("""
scarf, kite, umbrella, key, bell, boat, lantern, hat, clock, map, balloon, drum, spoon, blanket, box, flute, marble,
letter, cookie, star, telescope, bicycle, book, feather, pumpkin, snowball, carrot, boot, guitar, pie, violin, candle,
mirror, ladder, teapot, basket, coin, ring, crown, rope, bridge, cart, wheel, pillow, cake, cup, door, window, stone,
apple, pear, cherry, mushroom, flower, tree, leaf, acorn, shell, button, ribbon, whistle, trumpet, piano, robot, wagon,
train, lighthouse, mill, well, tower, tent, garden, cloud, moon, rainbow, river, snowman, sweater, sock, glove, mitten
""")  # fmt: skip
# What a hero may have to do with a thing: how it is asked for, how the story says it.
TIES = [
    ("who is afraid of", "<Hero> was afraid of <what>, but learned that {it was not so bad|there was nothing to fear}."),
    ("who {lost|has lost}", "One day <hero> lost <what> and {looked for it everywhere|could not find it anywhere}."),
    ("who {finds|found}", "One day <hero> found <what>."), ("who {loves|likes}", "<Hero> loved <what> more than anything."),
    ("who {wants|wishes for|dreams of}", "<Hero> dreamed of <what> every night."), ("who lives in", "<Hero> lived in <what>."),
    ("and", "<Hero> always carried <what>."), ("with", "<Hero> had <what>."), ("and", "There was also <what>."), ("who {meets|met}", "One day <hero> met <what>."),
    ("who {steals|stole|took}", "One day <hero> took <what>, and felt sorry for it."), ("who {builds|makes|made}", "<Hero> made <what> with great care."),
]  # fmt: skip
MOODS = [
    ("funny", "{Everyone laughed and laughed.|It was so funny that even the old {owl|goat} laughed.}"), ("sad", "{It was a sad day, and a few tears fell.|<Hero> cried a little, and then felt better.}"),
    ("spooky", "{It was dark, and something creaked in the night.|A cold wind howled, but it was only the door.}"), ("scary", "{It was dark, and something creaked in the night.}"), ("happy", "{And everyone was happy.|What a happy day it was!}"),
    ("calm", "{All was quiet and calm.}"), ("exciting", "{What an adventure!}"), ("good night", "{And then it was time to sleep. Good night!}"),
]  # fmt: skip


def _thing(chat: Chat) -> str:
    """A thing that nobody listed: "a velvet ladder"."""
    roll = chat.rng.random()
    noun = chat.rng.choice(NOUNS) if roll < 0.85 else words.made_up(chat.rng)
    if roll < 0.6:
        noun = f"{chat.rng.choice(ADJECTIVES)} {noun}"
    return f"{_article(noun)} {noun}"


def _hero(chat: Chat) -> str:
    name = words.hero(chat.rng)
    if chat.chance(0.08):
        name = chat.rng.choice(("Captain", "Professor", "Queen", "King", "Doctor", "Princess", "Aunt", "Uncle", "Little")) + " " + name  # fmt: skip
    return name


def story(chat: Chat) -> Turn:
    """A story; whatever the user asks for (name, kind, place, thing, trait, friend) is in it."""
    rng = chat.rng
    roll = rng.random()
    if roll < 0.85:  # a kind that may never have been seen as a hero, too
        kind = rng.choice(rng.choice((KINDS, MORE_KINDS, NOUNS, words.ANIMALS)))
    else:
        kind = words.made_up(rng) if roll < 0.92 else "llama"
    parts = {
        "hero": _hero(chat), "kind": kind, "trait": rng.choice(words.TRAITS),
        "place": rng.choice(words.PLACES) if chat.chance(0.7) else rng.choice(words.CITIES),
        "thing": _thing(chat) if chat.chance(0.7) else rng.choice(words.OBJECTS),
        "friend": rng.choice(words.FRIENDS if chat.chance(0.6) else words.ANIMALS),
    }  # fmt: skip
    if chat.user_name and chat.chance(0.1):
        parts["hero"] = chat.user_name
    second = words.hero(rng)
    a_kind, a_friend = f"{_article(kind)} {kind}", f"{_article(parts['friend'])} {parts['friend']}"
    a_trait = f"{_article(parts['trait'])} {parts['trait']} {kind}"
    called = rng.choice(("called", "named", "called", "named", "with the name", "whose name is"))
    # What is asked for, and which parts of the story that fixes.
    wish, asked = rng.choice(
        (
            ("", ()), ("about llamas", ()), (f"about {a_trait}", ("trait", "kind")), (f"about {a_trait}", ("trait", "kind")),
            (f"about {a_trait} {called} <hero>", ("trait", "kind", "hero")), (f"about {a_kind} {called} <hero>", ("kind", "hero")),
            (f"about {a_kind} {called} <hero>", ("kind", "hero")), (f"about {a_kind}", ("kind",)), (f"about {a_kind}", ("kind",)), ("about <hero>", ("hero",)), ("for my {daughter|son|niece|nephew|little sister|child|grandson|friend} <hero>", ("hero",)), ("{about|with} <hero> in it", ("hero",)),
            (f"about {a_kind} {{and|with}} <thing>", ("kind", "thing")), (f"{{about|with}} {a_kind} {{and|with|who has}} <thing>", ("kind", "thing")),
            (f"{{with|about}} {a_kind} and <thing>{{ in it|}}", ("kind", "thing")), (f"about {a_kind} in <place>", ("kind", "place")), ("{set|that happens|that takes place} in <place>", ("place",)),
            (f"about {a_kind} and {a_friend}", ("kind", "friend")), (f"about {a_kind} {called} <hero> {{who finds|and|with}} <thing>", ("kind", "hero", "thing")),
            (f"about {a_kind} {called} <hero> in <place>", ("kind", "hero", "place")), (f"about <hero> the {kind}, {a_friend} and <thing>", ("kind", "hero", "friend", "thing")),
            (f"where {a_kind} {called} <hero> {{meets|helps|saves}} {a_friend}", ("kind", "hero", "friend")), (f"about <hero>, {a_trait}", ("hero", "trait", "kind")),
            (f"set in <place>, with {a_kind}", ("place", "kind")), (f"with {a_kind}, {a_friend} and <thing>", ("kind", "friend", "thing")), ("{with|about} <thing>{ in it|}", ("thing",)),
            ("about <thing>", ("thing",)), ("about <place>", ("place",)), ("about {two friends, |}<hero> and <second>", ("hero", "second")),
            (f"about {a_kind} {called} <hero> and {a_friend} {called} <second>", ("kind", "hero", "friend", "second")), ("{with|about} my {dog|cat|horse|rabbit|friend|son|daughter|brother|sister} <hero>{ in it|}", ("hero",)),
            (f"about my {kind} <hero>", ("kind", "hero")), (f"about <hero> and {{his|her}} {parts['friend']}", ("hero", "friend")), ("TIE", ("kind", "tie")), ("TIE", ("kind", "tie")), ("TIE", ("kind", "tie")),
        )
    )  # fmt: skip
    parts["kind"] = kind if "kind" in asked else "llama"
    extra: list[str] = []
    what = _thing(chat) if chat.chance(0.75) else rng.choice(words.PLACES + words.SUBJECTS + ["the dark", "water", "thunder", "cheese", "music", "snow"])  # fmt: skip
    if "tie" in asked:
        tie, told = rng.choice(TIES)
        wish = f"about {a_kind}{rng.choice(('', ' ' + called + ' <hero>'))} {tie} <what>"
        extra.append(chat.say(told.replace("<Hero>", "<hero>"), hero=parts["hero"], what=what))
    template = rng.choice(ASK).replace("{<about>| <about>| <about>}", " " + wish if wish else "")
    template = template.replace("{<about>| <about>}", " " + wish if wish else "")
    template = template.replace("{ <about>|}", " " + wish if wish else "")
    if wish and chat.chance(0.12):  # the parts alone
        wish = wish.removeprefix("about ").removeprefix("with ")
        template = rng.choice(("{Story|A story|tale|story please}: ", "{The hero|My hero|The main character|The hero of the story|Your hero} {is|should be|shall be|must be|will be} ", "{Write|Tell me something|Make something up} about ", "{Once upon a time there was|Tell me about}: ")) + wish + rng.choice(("", "."))  # fmt: skip
    if chat.chance(0.08):
        mood, told = rng.choice(MOODS)
        template = re.sub(r"\{\|tiny[^}]*\}|\{\|short[^}]*\}|tiny ", mood + " ", template, count=1)
        template = template.replace("Tell me a story", f"Tell me a {mood} story")
        extra.append(chat.say(told.replace("<Hero>", "<hero>"), hero=parts["hero"]))
    slots = {key: parts[key] for key in ("hero", "thing", "place")}
    user = chat.type(template, **slots, second=second, what=what)
    if "second" in asked and "friend" not in asked:
        extra.append(chat.say("{<hero> had a friend called <second>|There was also <second>|Next door lived <second>|<second> was always there, too}.", hero=parts["hero"], second=second))  # fmt: skip
    elif "second" in asked:
        extra.append(
            chat.say(f"The {parts['friend']} was {{called|named}} <second>.", second=second)
        )
    if "hero" in asked and wish == "about <hero>" and chat.chance(0.4):
        chat.user_name = parts["hero"]
        user = chat.type("{My name is|I'm|I am|Call me} <hero>{.|!|,} {Tell|Please tell|Can you tell} me a {|short |little }story {about|with} me{.|?| in it.}", hero=parts["hero"])  # fmt: skip
    chat.notes.update(parts)
    lead = chat.say("{||||Gladly! |Of course! |Here is one: |With pleasure. |Sure! }")
    wanted = {key: _bare(parts[key]) for key in asked if key in parts}
    text = lead + told_with(chat, parts, wanted, extra)
    short = compose(chat, **parts, short=True).split(". ")[0].rstrip(".") + chat.say(
        " and {found|lost and found again} <thing>.", thing=parts["thing"]
    )
    return Turn(user, Reply(text, word=chat.say("{Adventure.|Courage.|Friendship.}"), short=short, verse="story"), "story", "story",
                why="{Because stories like that are good for the heart.|It's only a story: I put it together from a hero, a place and a thing.|That's how it goes in llama stories: they end well.}")  # fmt: skip


def _bare(part: str) -> str:
    """A part without its article, as it may stand in any sentence."""
    return re.sub(r"^(a|an|the) ", "", part)


# How a part that the plot left out comes into the story.
BRIDGES = {
    "thing": "{<hero> had <thing>|<hero> always carried <thing>|Near the gate lay <thing>|<hero>'s greatest treasure was <thing>}.",
    "friend": "{<hero>'s best friend was <a_friend>|With <hero> lived <a_friend>|Not far away lived <a_friend>}.",
    "place": "{It happened in <place>|All this was in <place>|<hero> was on the way to <place>}.",
}  # fmt: skip


def told_with(chat: Chat, parts: dict[str, str], wanted: dict[str, str], extra: list[str]) -> str:
    """A story that holds all wanted parts: a plot that has them, or a sentence more for each."""
    for _ in range(3):
        text = compose(chat, **parts)
        missing = [key for key, part in wanted.items() if part.lower() not in text.lower()]
        if not missing:
            break
    a_friend = f"{_article(parts['friend'])} {parts['friend']}"
    more = [chat.say(BRIDGES[k], **parts, a_friend=a_friend) for k in missing if k in BRIDGES]
    if not more and not extra:
        return text
    first, _, rest = text.partition(". ")
    return f"{first}. {' '.join([*more, *extra])} {rest}".strip()


def after_story(chat: Chat) -> Turn | None:
    """Questions about the story just told, or its sequel."""
    last = chat.last
    if last is None or last.skill != "story" or "hero" not in chat.notes:
        return None
    notes = chat.notes
    roll = chat.rng.random()
    slots = {k: notes[k] for k in ("hero", "place", "thing", "friend", "kind")}
    if roll < 0.45:
        user = chat.type("{What happened next|And then|What happened then|Then what|Go on|Continue|Please continue|What did {she|he|they} do next|Tell me more|How does it go on|More}{?|.|}")  # fmt: skip
        text = chat.say(chat.rng.choice(SEQUEL).replace("a <friend>", f"{_article(slots['friend'])} <friend>"), **slots)  # fmt: skip
        return Turn(user, Reply(text, word="Peace.", verse="story"), "story", "sequel")
    if roll < 0.7:
        user = chat.type("{What was|What's|What is|Tell me} the {name of the <kind>|<kind>'s name|hero's name|name of the hero|main character's name}?|{What was the <kind> called|What was {she|he|it} called|Who was the hero|Who was it about}?", kind=slots["kind"])  # fmt: skip
        text = chat.say("{The <kind> was called|The name of the <kind> was|Our hero was called|That was} <hero>{.|!}", **slots)  # fmt: skip
        return Turn(user, Reply(text, word=f"{slots['hero']}.", verse="story"), "story", "hero")
    if roll < 0.78:
        key, asked = chat.rng.choice((("kind", "{What|Which} {animal|creature|sort of hero} was it|{What kind of animal|What} was <hero>"), ("friend", "{Who else was in it|Who did <hero> meet|Was there a friend}"), ("kind", "{And what was <hero>|What animal was that about|What was the hero}")))  # fmt: skip
        part = slots[key]
        user = chat.type(f"{{{asked}}}{{?|}}", hero=slots["hero"])
        text = chat.say("{It was <a> <part>.|<a> <part>.|That was <a> <part>.}", a=_article(part), part=part)  # fmt: skip
        return Turn(user, Reply(text[0].upper() + text[1:], word=f"{part.capitalize()}.", verse="story"), "story", "part")  # fmt: skip
    if roll < 0.82:
        user = chat.type("{Give it a happy ending|Make {it|the story} {happier|funnier|longer|nicer}|Change the ending|Another ending|Can it end well|Make it end well|A happier ending}{, please|.|?|}")  # fmt: skip
        text = chat.say(chat.rng.choice(SEQUEL).replace("a <friend>", f"{_article(slots['friend'])} <friend>"), **slots) + chat.say(" And {everyone was happy|they lived happily ever after|they all laughed}.")  # fmt: skip
        return Turn(user, Reply(text, word="Happy.", verse="story"), "story", "ending")
    if roll < 0.88:
        user = chat.type("{I liked {that|it|the story}|That was {nice|lovely|beautiful|a nice story|cute|sweet}|What a {nice|lovely|sweet} story|Good story|Nice story|Great story}{!|.|}")  # fmt: skip
        text = chat.say("{Thank you|I'm glad|How nice of you}! {<hero> says hello.|Shall I tell you another one?|<hero> would be happy to hear that.|Would you like to know what happened next?}", **slots)  # fmt: skip
        return Turn(user, Reply(text, word="Thanks!", verse="happy"), "story", "praise")
    user = chat.type("{Another one|One more|Again|Tell me another one|Another story|Another|One more story|Do you have another one|more stories}{, please|}{.|!|?|}")  # fmt: skip
    turn = story(chat)
    turn.user = user
    retell(chat, turn)
    return turn


def retell(chat: Chat, turn: Turn) -> None:
    """Put another llama's story into the turn."""
    parts = {"hero": _hero(chat), "kind": "llama", "trait": chat.rng.choice(words.TRAITS), "place": chat.rng.choice(words.PLACES), "thing": chat.rng.choice(words.OBJECTS), "friend": chat.rng.choice(words.FRIENDS)}  # fmt: skip
    chat.notes.update(parts)
    turn.reply.text = compose(chat, **parts)
    turn.reply.short = ""
