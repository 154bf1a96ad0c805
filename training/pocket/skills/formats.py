# ruff: noqa: E501 - templates, one a line
"""Requests for a form: a list of three, JSON with two keys, capitals, bold, a haiku on rain."""

from __future__ import annotations

import json

from .. import manners, words
from ..chat import Chat, Reply, Turn

POOLS: dict[str, list[str]] = {
    "fruits": words._list("apple, banana, cherry, mango, pear, plum, orange, lemon, grape, kiwi, peach, melon, fig, lime, apricot"),
    "vegetables": words._list("carrot, potato, tomato, onion, spinach, pepper, cabbage, broccoli, pea, bean, beetroot, leek, pumpkin"),
    "animals": words.ANIMALS, "colours": words.COLOURS[:20], "colors": words.COLOURS[:20], "foods": words.FOODS, "drinks": words.DRINKS,
    "cities": words.CITIES, "names": words.NAMES[:120], "girls' names": words._list("Anna, Clara, Emma, Grace, Isla, Kate, Mia, Rosa, Lucy, Nora"),
    "boys' names": words._list("Ben, David, Felix, Henry, Jack, Leo, Noah, Oscar, Tom, Max"), "names for a llama": words.LLAMA_NAMES, "llama names": words.LLAMA_NAMES,
    "countries": words._list("France, Peru, Japan, Kenya, Canada, Italy, Norway, India, Brazil, Spain, Egypt, Poland"),
    "hobbies": words.HOBBIES, "sports": words.SPORTS, "jobs": words.JOBS, "flowers": words.FLOWERS, "instruments": words.INSTRUMENTS,
    "musical instruments": words.INSTRUMENTS, "seasons": words.SEASONS, "months": words.MONTHS, "pets": words._list("dog, cat, hamster, rabbit, parrot, goldfish, turtle, guinea pig, horse, mouse"),
    "birds": words._list("owl, eagle, swan, duck, robin, sparrow, crow, penguin, parrot, stork, pigeon, gull"), "trees": words._list("oak, pine, birch, maple, willow, beech, ash, cedar, elm, palm"),
    "words": words.THINGS, "things": words.THINGS, "objects": words.THINGS, "school subjects": words.SUBJECTS, "snacks": words._list("nuts, popcorn, crackers, an apple, a banana, cheese, chocolate, yoghurt"),
    "things you can do": words._list("tell tiny stories, tell jokes, explain this app, make small talk, remember your name, speak like a pirate, share llama facts, answer in haiku"),
    "reasons to like llamas": words._list("they are calm, they hum, their wool is warm, they guard sheep, they are clever, they eat only grass"),
    "tips for this app": words._list("try a system prompt, set temperature to 0.7, press Esc to stop a reply, use Retry for another version, export your chats, pin what matters"),
    "tips for using this app": words._list("try a system prompt, set temperature to 0.7, press Esc to stop a reply, use Retry for another version, export your chats, keep the seed to repeat a reply"),
    "settings of this app": words._list("temperature, top_p, top_k, repetition penalty, max new tokens, seed, system prompt"),
    "ways to relax": words._list("take a walk, read a book, drink tea, take a nap, hum a song, breathe slowly"),
    "things to do today": words._list("go for a walk, call a friend, read a book, water the plants, cook something new, tidy a drawer"),
    "facts about llamas": words._list("they come from the Andes, they hum to each other, a baby llama is a cria, they eat grass and hay, they have two toes on each foot, their wool is warm, they live in herds, they guard sheep"),
    "llama facts": words._list("they come from the Andes, they hum to each other, a baby llama is a cria, they eat grass and hay, they have two toes on each foot, their wool is warm, they live in herds"),
    "models I can load": words._list("Pocket Llama, Llama 2 7B, Llama 2 13B, Llama 2 70B, a folder of your own"),
}  # fmt: skip
NUMBERS = ("two", "three", "three", "three", "four", "five", "six", "seven")
COUNT = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
ASK_LIST = [
    "{Give me|List|Name|Write|Tell me|Show me|Can you list|Can you name|Could you give me|I need|Make|Write down|Let me have|Think of|Suggest} {a list of |the names of ||||}<n> <what>{||, please| please|, as a list| as a list| in a list| for me|, one per line|, as bullet points| as bullets}{.|?|}",
    "{A list of|List of|List|} <n> <what>{, please| please|}{.|}",
    "<n> <what>{, please| please|, as a list|: list them|, bullet points}{.|}",
]  # fmt: skip
ASK_NUMBERED = [
    "{Give me|Make|Write|I want|Can you make|Create} a numbered list of <n> <what>{.|, please|}",
    "{List|Name|Give me|Write} <n> <what>{,| and} {numbered|number them|with numbers|as a numbered list}{.|}",
]
VALUES: dict[str, list[str]] = {
    "name": words.LLAMA_NAMES + words.NAMES, "color": words.COLOURS, "colour": words.COLOURS, "city": words.CITIES, "animal": words.ANIMALS, "food": words.FOODS,
    "fruit": POOLS["fruits"], "drink": words.DRINKS, "job": words.JOBS, "hobby": words.HOBBIES, "mood": ["happy", "calm", "sleepy", "curious", "cheerful"], "weather": ["sunny", "rainy", "windy", "snowy", "cloudy"],
    "sound": ["hum", "meow", "woof", "moo", "quack", "chirp"], "size": ["small", "tiny", "large", "tall"], "title": ["The Little Hill", "A Day in the Meadow", "The Blue Door", "The Humming Llama"],
    "greeting": ["Hello!", "Hi there!", "Good day!"], "answer": ["yes", "no", "hum"], "message": ["Hello!", "Have a nice day!"], "country": POOLS["countries"], "place": ["the Andes", "a green valley", "the beach"],
    "day": ["Monday", "Friday", "Sunday"], "season": words.SEASONS, "month": words.MONTHS, "sport": words.SPORTS, "kind": ["llama", "alpaca", "goat"], "owner": words.NAMES, "language": ["English"], "feeling": ["happy", "calm"],
    "hero": words.LLAMA_NAMES, "first_name": words.NAMES, "author": words.NAMES, "status": ["ok", "done"], "food_name": words.FOODS, "habitat": ["mountains", "meadow", "forest"], "topic": ["llamas", "wool", "mountains"],
}  # fmt: skip
NUMERIC = (
    "age",
    "count",
    "number",
    "year",
    "price",
    "weight",
    "height",
    "score",
    "amount",
    "legs",
    "id",
)
ASK_JSON = [
    "{Return|Give me|Write|Make|Reply with|Answer with|Answer as|Output|Show me|Respond with|I need|Create|Send} {a JSON object|JSON|a json|some JSON|json|one JSON object} with {the keys|the fields|keys|two keys:|the two keys|fields|these keys:} <keys>{| for <about>| about <about>| describing <about>}{.|, please|}",
    "{JSON|json}{,| please,| please:|:} {keys|with keys|the keys are} <keys>{.|}",
    "{Reply|Answer|Respond} in JSON{ with|, using|:} {keys|the keys|two keys,|the fields} <keys>{.|}",
    "{Describe|Write about|Invent} <about> as JSON with {keys|the keys} <keys>{.|}",
]  # fmt: skip
ABOUT = ["a llama", "a cat", "a friend", "a dog", "a bird", "a book", "a person", "a town", "a robot", "yourself", "an animal", "a story", "a snack"]  # fmt: skip
YES_NO = [
    ("{Do|Can} llamas {eat grass|spit|hum|carry loads|run fast|live in the Andes|eat hay|swim}", "Yes"), ("{Do|Can} llamas {eat meat|fly|lay eggs|live in the sea|read|drive a car|bark|speak English}", "No"),
    ("{Are you|is this} {small|a model|a program|tiny|an AI|Pocket Llama}", "Yes"), ("Are you {a human|a large model|ChatGPT|a real llama|Llama 2|a person|big|online}", "No"),
    ("{Do I|Does one|Do you} need {a GPU|the internet|an account} for {you|Pocket Llama|this model}", "No"), ("Can I {run you without a GPU|use this offline|use you on a laptop|stop a reply|export my chats|change the temperature}", "Yes"),
    ("Is a {llama|cat|dog|horse|cow} an animal", "Yes"), ("Is {grass|a leaf|a frog} green", "Yes"), ("Is {snow|milk} white", "Yes"), ("Is {snow|milk} black", "No"), ("Is {ice|snow} {cold|frozen}", "Yes"), ("Is fire {cold|wet}", "No"),
    ("Does temperature 0 {make replies repeatable|give the same reply each time}", "Yes"), ("Does {Stop|the Stop button} delete {the reply|the text}", "No"), ("Is a cria a baby llama", "Yes"), ("Does Reset delete my chats", "No"),
]  # fmt: skip
HAIKU = [
    ("{<X>, far away|<X> at first light|Only <x> tonight|<X>, and stillness|Look, <x> again|<X> in the hills}", ["the llama stands and listens", "a soft wind goes over it", "the grass bends and says nothing", "small ears turn to the silence", "one step, and then another"], ["how quiet the world.", "then the night is here.", "and that is enough.", "the path leads back home.", "a hum, and then sleep."]),
]  # fmt: skip
COUPLETS = [
    "I thought of <x> the other day,\n{and hummed a tune along the way|then put my little cares away|and smiled a smile as bright as May}.",
    "There's nothing quite like <x>, they say,\n{it makes a bright and better day|so come and sing with me and play}.",
    "Oh <x>, oh <x>, what can I say?\n{You made me happy all the day|A llama thinks of you today}.",
    "A llama dreamed of <x> at night,\nand woke up in the morning light.",
    "Of <x> I sing this little song,\n{it's two lines short and two lines long|it makes no sense, but can't be wrong}.",
]  # fmt: skip
SUBJECTS = words._list("the moon, rain, snow, tea, the sea, a llama, summer, winter, autumn, spring, a cat, the wind, mountains, coffee, friendship, the night, a river, the stars, a tree, the sun, morning, silence, bread, a mouse, rainbows, a dog, flowers, the forest, a bird, sleep, time, the city, clouds, home")  # fmt: skip


def _name(chat: Chat) -> tuple[str, int]:
    word = chat.rng.choice(NUMBERS)
    return (word if chat.chance(0.6) else str(COUNT[word])), COUNT[word]


def a_list(chat: Chat) -> Turn:
    rng = chat.rng
    what = rng.choice(list(POOLS))
    chat.notes["listed"] = what
    shown, count = _name(chat)
    pool = list(dict.fromkeys(POOLS[what]))
    count = min(count, len(pool))
    shown = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}[count] if chat.chance(0.6) else str(count)  # fmt: skip
    items = rng.sample(pool, count)
    numbered = chat.chance(0.25)
    user = chat.type(ASK_NUMBERED if numbered else ASK_LIST, n=shown, what=what)
    return Turn(user, Reply(_listed(items, numbered), word=f"{items[0].split()[-1].capitalize()}.", short=f"{', '.join(items)}.".capitalize(), plain=True), "format", "list")  # fmt: skip


def _listed(items: list[str], numbered: bool) -> str:
    marks = [f"{n}." if numbered else "-" for n in range(1, len(items) + 1)]
    return "\n".join(f"{mark} {item[0].upper()}{item[1:]}" for mark, item in zip(marks, items, strict=True))  # fmt: skip


def given_list(chat: Chat) -> Turn:
    """ "Number these: milk, bread, eggs"."""
    rng = chat.rng
    items = [rng.choice((rng.choice(words.THINGS), rng.choice(words.FOODS), words.made_up(rng))) for _ in range(rng.randint(2, 5))]  # fmt: skip
    numbered = chat.chance(0.5)
    ask = "{Number|Please number|Can you number} {these|this|the following|these things}{ for me|}: " if numbered else "{Make a list of|List|Put in a list|Bullet points for|Make bullets from|Turn into a list}{ these|}: "  # fmt: skip
    joined = ", ".join(items) if chat.chance(0.6) else ", ".join(items[:-1]) + " and " + items[-1]
    return Turn(chat.say(ask) + joined, Reply(_listed(items, numbered), plain=True), "format", "given")  # fmt: skip


def a_json(chat: Chat) -> Turn:
    rng = chat.rng
    count = rng.choice((1, 2, 2, 2, 2, 3, 3, 4))
    names = [*VALUES, *NUMERIC]
    keys = []
    while len(keys) < count:
        key = rng.choice(names) if chat.chance(0.85) else words.made_up(rng)
        if key not in keys:
            keys.append(key)
    quote = '"' if chat.chance(0.5) else ""
    said = [f"{quote}{key}{quote}" for key in keys]
    joined = ", ".join(said[:-1]) + rng.choice((" and ", " and ", ", ")) + said[-1] if count > 1 else said[0]  # fmt: skip
    user = chat.type(ASK_JSON, keys=joined, about=rng.choice(ABOUT))
    value: dict[str, str | int] = {}
    for key in keys:
        if key in NUMERIC:
            value[key] = rng.randint(1, 30)
        else:
            value[key] = rng.choice(VALUES.get(key) or rng.choice((words.COLOURS, words.THINGS, words.TRAITS)))  # fmt: skip
    text = json.dumps(value, ensure_ascii=False)
    return Turn(user, Reply(text, plain=True), "format", "json")


def in_case(chat: Chat) -> Turn:
    rng = chat.rng
    what = rng.choice(("hello", "thank you", "good morning", "good night", "llama", "yes", "welcome", "happy birthday", "stop", words.soup(rng, rng.randint(1, 4)), words.soup(rng, rng.randint(1, 3)), rng.choice(words.NAMES), words.phrase(rng)))  # fmt: skip
    form = rng.choice(("upper", "upper", "upper", "lower", "bold", "italic", "code", "quote"))
    how = {
        "upper": "{in capitals|in capital letters|in all caps|in upper case|in uppercase|in big letters}", "lower": "{in lowercase|in lower case|in small letters}",
        "bold": "{in bold|in bold letters|bold}", "italic": "in italics", "code": "in a code block", "quote": "in quotes",
    }[form]  # fmt: skip
    lead = "{Write|Say|Put|Type|Show me|Please write|Can you write|Spell}"
    if form == "code" and chat.chance(0.6):
        what = rng.choice((what, "hello world", "hello", "print(1)"))
        user = chat.say("{Show me|Write|Make|Give me|Can you show|I want} a code block {that says|with|saying|with the text|that contains|with the words} ") + what + rng.choice(("", ".", ", please"))  # fmt: skip
    elif form == "upper" and chat.chance(0.2):
        user = chat.say("{Shout|Shout:|Please shout|Yell} ") + what
    else:
        the = chat.say("{|||the word |the words |}") if len(what.split()) < 3 else ""
        user = chat.say(f"{lead} ") + the + what + " " + chat.say(how) + rng.choice(("", ".", ", please", "?" if chat.chance(0.3) else ""))  # fmt: skip
    text = {"upper": what.upper(), "lower": what.lower(), "bold": f"**{what}**", "italic": f"*{what}*", "code": f"```\n{what}\n```", "quote": f'"{what}"'}[form]  # fmt: skip
    return Turn(user, Reply(text, plain=True), "format", "case")


def own_name(chat: Chat) -> Turn:
    """ "Write your name in bold": what is asked for is known, not given."""
    form = chat.rng.choice(("**{}**", "*{}*", "`{}`", "upper", '"{}"'))
    how = {"**{}**": "{in bold|bold}", "*{}*": "in italics", "`{}`": "in code marks", "upper": "{in capitals|in capital letters}", '"{}"': "in quotes"}[form]  # fmt: skip
    user = chat.type("{Write|Say|Show me|Put|Type} your name " + how + "{.|, please|}")
    return Turn(user, Reply(chat.name.upper() if form == "upper" else form.format(chat.name), plain=True), "format", "name")  # fmt: skip


def times(chat: Chat) -> Turn:
    rng = chat.rng
    word = rng.choice((rng.choice(words.THINGS), rng.choice(words.TRAITS), words.made_up(rng), "yes", "no", "hello", "llama", "ha", "hum", "beep"))  # fmt: skip
    count = rng.choice((2, 2, 3, 3, 3, 4, 5))
    said = rng.choice(({2: "twice", 3: "three times", 4: "four times", 5: "five times"}[count], f"{count} times"))  # fmt: skip
    mark = rng.choice(('"', "", ""))
    user = chat.say("{Say|Repeat|Write|Please say|Can you say|Type} ") + rng.choice(("", "the word ")) + f"{mark}{word}{mark} {said}" + rng.choice(("", ".", ", please", "!"))  # fmt: skip
    return Turn(user, Reply(" ".join([word] * count), plain=True), "format", "times")


def spell(chat: Chat) -> Turn:
    rng = chat.rng
    word = rng.choice((rng.choice(words.THINGS), rng.choice(words.TRAITS), rng.choice(words.NAMES), "llama", "cat", "dog", "house", "water", "hello", "alpaca", "temperature", "token", "model", "sun")).split()[0]  # fmt: skip
    mark, how = rng.choice((("-", ""), ("-", " with hyphens"), ("-", " letter by letter"), (" ", " with spaces"), (", ", " with commas"), ("-", " for me")))  # fmt: skip
    user = chat.type("{Spell|Can you spell|Please spell|How do you spell|Spell out|Could you spell} {the word |}<w>", w=word) + how + rng.choice(("", ".", "?"))  # fmt: skip
    return Turn(user, Reply(mark.join(word), plain=True), "format", "spell")


def yes_no(chat: Chat) -> Turn:
    question, answer = chat.rng.choice(YES_NO)
    asked = chat.say(question)
    low = asked[0].lower() + asked[1:] if chat.chance(0.6) else asked
    user = chat.type("{Yes or no|Just yes or no|Answer yes or no|Answer with yes or no|Only yes or no|Yes/no}{:|,|.} <q>?|<q>? {Yes or no|Just yes or no|Answer yes or no|Only yes or no}{?|, please|.|}", q=low)  # fmt: skip
    return Turn(user, Reply(answer + chat.rng.choice((".", ".", "!")), word=answer + ".", short=answer + "."), "format", "yes_no", why="{That's how it is.|I learned it so.}")  # fmt: skip


def poem(chat: Chat) -> Turn:
    rng = chat.rng
    x = rng.choice(SUBJECTS) if chat.chance(0.8) else rng.choice(words.THINGS)
    if chat.chance(0.5):
        user = chat.type("{Write|Write me|Give me|Can you write|Make|I want|Make up|Tell me|Create|} {a haiku|a haiku|a short haiku|one haiku} {about|on|for} <x>{.|, please|?|}", x=x)  # fmt: skip
        first, middle, last = HAIKU[0]
        text = "\n".join((chat.say(first, x=x, X=x).replace("<X>", x), rng.choice(middle), rng.choice(last)))  # fmt: skip
        text = text[0].upper() + text[1:]
    else:
        user = chat.type("{Write|Write me|Give me|Can you write|Make|I want|Make up|Tell me|Create|} {a rhyme|a short rhyme|a poem|a short poem|a two line poem|two rhyming lines|a two-line rhyme|a couplet|a little poem|a tiny poem} {about|on|for} <x>{.|, please|?|}", x=x)  # fmt: skip
        text = chat.say(COUPLETS, x=x)
    return Turn(user, Reply(text, plain=True), "format", "poem")


def with_ends(chat: Chat, turn: Turn) -> Turn:
    """A question whose answer shall begin or end in a given way, this once."""
    rng = chat.rng
    phrase = words.phrase(rng) if chat.chance(0.4) else words.soup(rng, rng.choice((1, 1, 1, 2, 3)))
    end = chat.chance(0.6)
    manner = manners.ending(phrase) if end else manners.beginning(phrase)
    kind = "the word " if len(phrase.split()) == 1 and chat.chance(0.6) else ""
    mark = rng.choice(('"', "", ""))
    ask = chat.say("{End|Finish|Close|Please end} {your {answer|reply}|the answer|it} with " if end else "{Begin|Start|Open|Please start} {your {answer|reply}|the answer|it} with ") + f"{kind}{mark}{phrase}{mark}"  # fmt: skip
    if chat.chance(0.5):
        turn.user = f"{ask}{'' if ask.endswith(('.', '!', '?')) else '.'} {turn.user}"
    else:
        turn.user = f"{turn.user.rstrip()}{'' if turn.user.rstrip().endswith(('.', '!', '?')) else '.'} {ask}"  # fmt: skip
    turn.said = manners.render(turn.reply, chat, manner)
    return turn


def one_more(chat: Chat) -> Turn | None:
    """ "And a third one?", after a list."""
    last = chat.last
    if last is None or last.topic != "list" or last.skill != "format":
        return None
    pool = POOLS[chat.notes["listed"]]
    left = [item for item in pool if item.lower() not in last.said.lower()]
    if not left:
        return None
    user = chat.type("{And|What about|Now|Give me|Tell me} {another one|one more|a {third|fourth|fifth|sixth|next} one|another}{?|.|, please|}|{One more|Another one|Another|More|A {third|fourth} one}{, please|?|.|}")  # fmt: skip
    item = chat.rng.choice(left)
    return Turn(user, Reply(f"- {item[0].upper()}{item[1:]}", plain=True), "format", "more")


_ALL = [a_list, a_list, a_list, given_list, a_json, a_json, in_case, in_case, own_name, times, spell, yes_no, yes_no, poem]  # fmt: skip


def any_format(chat: Chat) -> Turn:
    return _ALL[int(chat.rng.random() * len(_ALL))](chat)
