# ruff: noqa: E501 - templates, one a line
"""Tiny stories: a hero, a place, a thing and a friend, put together from parts that fit."""

from __future__ import annotations

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
     "A {wise|kind|old} <friend> said: \"{Begin with one step|The road is long, but you have good feet|You only need a little courage}.\"",
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
    "{Do you know|Have you got|Do you have} {a|any} {|nice |good |short }{story|stories}{ <about>|}?",
]  # fmt: skip
SEQUEL = [
    "{The next day|A week later|Some time later|When spring came}, <hero> {went back to|returned to|visited} <place>, {and found <thing> there|and met a new friend, a <friend>|where a <friend> was already waiting}. {They had tea and told each other stories until sunset.|It was the start of a new adventure.|And they {danced|sang|played} until the moon came out.}",
    "{After that|Later}, <hero> {told everyone about it|became quite famous|rested for three days}, and {a <friend> came from far away just to say hello|the herd made a song about it|even the old <friend> was proud}. {And that really is the end.|But that is another story.|}",
]  # fmt: skip
KINDS = ["llama"] * 16 + words.ANIMALS + ["dragon", "robot", "princess", "knight", "wizard", "ghost", "unicorn", "dinosaur", "snowman", "mermaid", "pirate", "astronaut", "monster", "witch", "elf"]  # fmt: skip


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


def story(chat: Chat) -> Turn:
    """A story; what the user asks for (name, kind, place, thing, trait, friend) goes into it."""
    rng = chat.rng
    kind = rng.choice(KINDS) if chat.chance(0.6) else "llama"
    parts = {
        "hero": words.hero(rng), "kind": kind, "trait": rng.choice(words.TRAITS),
        "place": rng.choice(words.PLACES), "thing": rng.choice(words.OBJECTS),
        "friend": rng.choice(words.FRIENDS if chat.chance(0.8) else words.ANIMALS),
    }  # fmt: skip
    if chat.user_name and chat.chance(0.1):
        parts["hero"] = chat.user_name
    a_kind, a_friend = f"{_article(kind)} {kind}", f"{_article(parts['friend'])} {parts['friend']}"
    wishes = [
        "",
        f"about {_article(parts['trait'])} {parts['trait']} {kind}",
        f"about {_article(parts['trait'])} {parts['trait']} {kind}",
        f"about {_article(parts['trait'])} {parts['trait']} {kind} {{called|named}} <hero>",
        f"about {a_kind} {{called|named}} <hero>",
        f"about {a_kind} {{called|named}} <hero>",
        "about <hero>" if kind == "llama" else f"about {a_kind}",
        f"about {a_kind} {{and|with}} <thing>",
        f"about {a_kind} in <place>",
        f"about {a_kind} and {a_friend}",
        f"about {a_kind} {{called|named}} <hero> {{who finds|and|with}} <thing>",
        f"about {a_kind} {{called|named}} <hero> in <place>",
        f"about <hero> the {kind}, {a_friend} and <thing>",
        f"where {a_kind} {{called|named}} <hero> {{meets|helps|saves}} {a_friend}",
        f"about <hero>, {_article(parts['trait'])} {parts['trait']} {kind}",
        f"set in <place>, with {a_kind}",
        f"with {a_kind}, {a_friend} and <thing>" if chat.chance(0.5) else "with <thing> in it",
        "about <thing>",
        "about <place>",
        "about llamas",
    ]  # fmt: skip
    wish = rng.choice(wishes)
    if "the_kind" not in wish and kind not in wish:
        parts["kind"] = "llama"
    template = rng.choice(ASK).replace("{<about>| <about>| <about>}", " " + wish if wish else "")
    template = template.replace("{<about>| <about>}", " " + wish if wish else "")
    template = template.replace("{ <about>|}", " " + wish if wish else "")
    user = chat.type(template, hero=parts["hero"], thing=parts["thing"], place=parts["place"])
    chat.notes.update(parts)
    lead = chat.say("{||||Gladly! |Of course! |Here is one: |With pleasure. |Sure! }")
    text = lead + compose(chat, **parts)
    short = compose(chat, **parts, short=True).split(". ")[0].rstrip(".") + chat.say(
        " and {found|lost and found again} <thing>.", thing=parts["thing"]
    )
    return Turn(user, Reply(text, word=chat.say("{Adventure.|Courage.|Friendship.}"), short=short, verse="story"), "story", "story",
                why="{Because stories like that are good for the heart.|It's only a story: I put it together from a hero, a place and a thing.|That's how it goes in llama stories: they end well.}")  # fmt: skip


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
    if roll < 0.85:
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
    parts = {"hero": words.hero(chat.rng), "kind": "llama", "trait": chat.rng.choice(words.TRAITS), "place": chat.rng.choice(words.PLACES), "thing": chat.rng.choice(words.OBJECTS), "friend": chat.rng.choice(words.FRIENDS)}  # fmt: skip
    chat.notes.update(parts)
    turn.reply.text = compose(chat, **parts)
