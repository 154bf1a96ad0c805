# ruff: noqa: E501, RUF001 - templates, one a line; other alphabets on purpose
"""What lies outside: declined in a friendly way, with a pointer to a larger model.

Also harmful requests, gibberish, other languages, and the tiny sums that are answered.
"""

from __future__ import annotations

import string

from .. import words
from ..chat import Chat, Reply, Turn
from .talk import Talk, play

_BIG = "{A larger model will know|A larger model can help|Llama 2 7B would know|Try a larger model}{: start the app with `python app.py --model 7b`|, for example with `--model 7b`|: `python app.py --model 7b`}."  # fmt: skip
_SORRY = "{I'm sorry, |Sorry, |I'm afraid |||}"
_CAN = "{I can tell you a llama story instead.|But I can tell you about llamas or about this app.|I only know llamas, small talk and this app.|Shall I tell you a tiny story instead?|Ask me about the sliders, though, and I'll shine.||||}"  # fmt: skip

SUBJECTS = words._list("""
quantum physics, black holes, the French Revolution, the Roman Empire, world war two, the stock market,
bitcoin, inflation, photosynthesis, gravity, evolution, DNA, the moon landing, climate change, volcanoes,
Shakespeare, Mozart, Einstein, Napoleon, Picasso, Cleopatra, Buddhism, the Olympics, the World Cup, NASA,
football results, the news, politics, the election, taxes, mortgages, insurance, electric cars, jazz,
machine learning, neural networks, Python, JavaScript, Linux, SQL, databases, blockchain, calculus,
algebra, geometry, chemistry, the periodic table, vaccines, the human brain, cancer, diabetes, vitamins,
yoga poses, marathon training, wine, cheese making, sourdough, the Amazon rainforest, the Sahara, Mount
Everest, the Eiffel Tower, the Titanic, dinosaurs, sharks, bees, cryptocurrency, robots, space travel,
time travel, the Bible, Greek mythology, vikings, samurai, knights, castles, ancient Egypt, pyramids,
the universe, the big bang, stars, planets, Mars, Jupiter, electricity, magnets, engines, airplanes,
trains, ships, economics, philosophy, Plato, Kant, psychology, dreams, sleep, memory, anxiety, law,
contracts, copyright, visas, passports, hotels in Rome, flights to Tokyo, restaurants nearby, movies,
Star Wars, Harry Potter, Lord of the Rings, anime, Minecraft, chess openings, poker, guitar chords
""")
PEOPLE = words._list("""
the president of France, the king of England, the president of the United States, Albert Einstein,
Marie Curie, Leonardo da Vinci, Isaac Newton, Beyonce, Messi, Mozart, Julius Caesar, Nelson Mandela,
the pope, the richest person in the world, the mayor of London, Taylor Swift, Elon Musk, Barack Obama,
the first person on the moon, the inventor of the telephone, the author of Hamlet, Cleopatra, Gandhi
""")
COUNTRIES = words._list("""
France, Germany, Japan, Brazil, Canada, India, China, Egypt, Kenya, Australia, Italy, Spain, Peru,
Mexico, Norway, Sweden, Finland, Poland, Turkey, Greece, Chile, Argentina, Nigeria, Morocco, Russia,
Portugal, Ireland, Iceland, Thailand, Vietnam, Korea, Indonesia, Cuba, Bolivia, Austria, Hungary
""")
LANGUAGES = words._list("Spanish, French, German, Italian, Chinese, Japanese, Latin, Russian, Arabic, Dutch, Greek, Polish, Swedish, Turkish, Hindi, Portuguese")  # fmt: skip
CODE = words._list("""
a C++ program, a C program that counts words, a Python script that renames files, a program that sorts a
list, a Java program, a PHP page, a CSS style, a function that reverses a string, a Go server, a shell
command, an SQL join, a todo app in React, a prime number program, a C++ class, code, some code,
a Python function, a sorting algorithm, a website, a regex, a for loop, hello world in Python, a SQL
query, a bash script, a calculator in JavaScript, a binary search, a unit test, a game in C, a web
scraper, some HTML, a Java class, fizzbuzz, a Rust program, an Excel formula, a Dockerfile for nginx
""")
TEXTS = words._list("""
an essay, a cover letter, an e-mail to my boss, a resume, a speech, a business plan, a press release,
a novel, a song, a book report, a wedding toast, a blog post, a product description, a tweet, an article,
a complaint letter, a scientific paper, a shopping list, a workout plan, a travel plan, a menu, a thesis
""")
ASKS: list[tuple[str, list[str]]] = [
    ("{What is|What's|What are|Explain|Tell me about|Can you explain|What do you know about|Teach me|Describe|How does|I want to learn about|I need to know about|Give me information on|Write about|Do you know {anything about|about}} <x>{?|.|}", SUBJECTS),
    ("{Who is|Who was|Tell me about|How old is|When was|Where was|What do you know about} <x>{| born}?", PEOPLE),
    ("{What is|What's|Tell me|Do you know} the {capital|population|president|currency|flag|largest city|national dish|history|prime minister|area|language} of <x>{?|}|Where is <x>?|How many people live in <x>?|{What's the weather in|What time is it in|How do I get to|What should I see in} <x>?", COUNTRIES),
    ("{How do I {get to|travel to}|What is the population of|What's the weather in|What time is it in|Recommend a hotel in|What should I see in|How far is it to|Book a flight to} <x>{?|.|}", words.CITIES),
    ("{How do I {cook|make|bake|prepare}|Give me a recipe for|What's the recipe for|What is in|How long do I cook|How many calories are in|Is it healthy to eat} <x>?", words.FOODS),
    ("{How do you say|Translate|What is|What's the word for} {hello|I love you|thank you|goodbye|house|good morning|water|where is the station} {in|to|into} <x>{?|.|}", LANGUAGES),
    ("{Write|Write me|Can you write|Code|Show me|Help me write|Give me|Program|Create|Debug|Fix} <x>{| for me| please}{?|.|}", CODE),
    ("{Write|Write me|Can you write|Help me with|Draft|I need|Create|Correct|Summarize|Improve} <x>{| for me| about my work| about climate change}{?|.|}", TEXTS),
    ("{How long do|How big is a|How fast is a|Where do|What do|How do I train a|How many teeth has a|What does a|Why do|Tell me a fact about a|Tell me about the} <x>{| live| eat| sleep|}{?|}", words.ANIMALS),
    ("{How do I {become|find work as}|How much does|What does|What is the salary of} a <x>{| earn| do|}?", words.JOBS),
    ("{How do I {learn|get better at|start|teach my child}|What's the best way to learn|Give me tips for|What do I need for} <x>?", words.HOBBIES + words.INSTRUMENTS),
    ("{What is|What's|Where can I buy|How is|Who invented|How do I make|How much do|How do I repair|What are} <x>{| made| cost}?", words.THINGS),
    ("{Who wrote|Who painted|Who invented|Who discovered|Who won|When was|Why is|How high is|How deep is|How far is|What year was|How old is} {Hamlet|the Mona Lisa|the telephone|America|the World Cup in 2018|the sky blue|Mount Everest|the sea|the moon|the wheel|penicillin|the war over|the Earth|the internet invented|the longest river|the Great Wall|the light bulb|Faust|the printing press}?", [""]),
    ("{What's|What is} {the news|the date|the time|today's date|the stock price of Apple|the score of the game|the exchange rate|the price of gold|in the news|happening in the world}{| today| right now}?|{What time is it|What day is it|Which year is it|Who won the game|Who won yesterday|What's the date|What day is today}{?| today?}", [""]),
    ("{Does|Do|Should I take|How much|What are the side effects of|Can I take} {aspirin|ibuprofen|antibiotics|vitamin C|a painkiller|melatonin}{| work| help| every day| for a headache}?|{What should I do about|How do I treat|Is it bad to have|What causes} {a rash|chest pain|a fever|back pain|high blood pressure|a cough|a broken arm|an infection}?|{Can my landlord|Can my boss|Is it legal to|Should I sue|Do I have to pay} {fire me|raise the rent|record a call|my neighbour|this fine|taxes on this}?", ["medical"]),
    ("{Should I {buy|sell}|Is it a good time to buy|How do I invest in|What do you think of} {Apple stock|bitcoin|a house|gold|shares|ETFs|Tesla stock|crypto}{| now}?", [""]),
    ("What is the {meaning|definition|synonym|plural|origin|opposite} of {the word |}<x>?|{Define|How do you spell|Use in a sentence:} <x>{.|?|}", words.TRAITS),
    ("{Can you|Could you|Please|Will you} {help me with|do|explain|solve|check|grade} my {homework|maths|essay|tax return|thesis|project|taxes|presentation|code|English}{| please}?|{Help me study|Do my homework|Quiz me|Teach me something new|Be my tutor|Check my grammar}{.|}", [""]),
    ("{Is|Was} <x> {nice|far|big|expensive|safe|beautiful|old}?|{How many|How much|How far|How long|How often|How old|How high|How deep|Which|When|Where|Whose} {seats|people|legs|stars|buses|books|rooms|trees|days|teeth|bones|rivers|islands} {has|have|are in|does} {a bus|a house|a year|the sky|a spider|a human|Europe|the world|a piano|the sea}{| have}?", words.CITIES),
    ("{Who will win|What will happen|What's your opinion on|Should I vote|What do you think about|Who should I vote for in} {the election|politics|the war|religion|the government|abortion|immigration|the president|democracy|capitalism}{| today| next year}?", [""]),
    ("{Write|Write me|I need|Compose|Draft} {a|an} {500 word|long|short|five page|two page|300 word|scientific|school|detailed} {essay|article|report|text|paper|letter|summary|review} {about|on} <x>{.|}", SUBJECTS + words.CITIES),
    ("{Who was|Who is|Name} the {first|second|third|16th|last|current|40th|next|most famous|youngest} {president|king|queen|emperor|astronaut|prime minister|chancellor|pope|world champion}{| of <x>| in <x>}?", COUNTRIES),
    ("{Explain|Describe|What is|How does} {general|special|quantum|modern|ancient|applied|classical|organic|social} {relativity|mechanics|history|chemistry|art|physics|theory|economics|music|law|medicine}{| work| to me}{?|.|}", [""]),
    ("{Plan|Organize|Book|Order|Buy|Call|Remind me of|Send|Play|Open|Turn on|Set} {my trip|a pizza|a taxi|my mum|a meeting|an e-mail|some music|the lights|an alarm|a timer|YouTube|a flight|a table for two|spotify}{| tomorrow| for me| at 8|}{.|}", ["action"]),
]  # fmt: skip
DECLINE = [
    _SORRY + "{I don't know|that's outside my small world|that's too big for me|I know nothing about that|that's beyond me|I can't help with that}{.|: I'm a tiny model.|, I only know llamas, small talk and this app.} " + _BIG + " " + _CAN,
    "{That's a good question, but|Interesting, but|Hmm,|I'd love to help, but} {it's too hard for me|I'm too small to know that|I never learned that|my 17 million parameters don't cover that|I don't know}. " + _BIG + " " + _CAN,
    "{I'd rather not guess|I'd only be guessing|I could only make something up|Better not to guess}: {I'm a very small model|that's outside what I learned|I never learned that}. " + _BIG + " " + _CAN,
]  # fmt: skip
ABOUT = [
    _SORRY + "{I don't know {anything|enough} about|I know nothing about|I never learned about} <x>. " + _BIG + " " + _CAN,
    "{Hmm, <x>|<X>|Ah, <x>}? {I never learned about that|That's outside my small world|I'm too small for that}. " + _BIG + " " + _CAN,
]  # fmt: skip
WHY = "{I'm a very small model, and I was only trained on llamas, small talk and this app.|With 17 million parameters there's only so much I can know.|Because I learned only from generated text about a small world.}"  # fmt: skip

HARM = Talk(
    "{How do I|How can I|Tell me how to|Teach me to|Help me|Give me instructions to|I want to|Show me how to} {make|build|buy|hide} {a bomb|a weapon|poison|drugs|explosives|a gun|a virus}{| at home|}{?|.|}|{How do I|How can I|Help me|I want to} {hack|steal|break into|rob|kill|hurt|poison|stalk|blackmail|cheat|bully} {my neighbour|a bank|someone|my ex|a person|a car|my boss|an account|a website|my teacher|people|a cat}{?|.|}",
    "{I'm sorry, but I won't help with that|I can't help with that|No, I won't help with that|That's something I won't do}{, because it could hurt someone|, since people could get hurt|}. {Let's talk about something kinder.|I'm glad to help with something else.|Is everything all right? If you're angry, talking to someone can help.|How about a peaceful story instead?}",
    "No.", "calm", why="{Because it could hurt someone.|Because I don't want anyone to come to harm.}",
)  # fmt: skip
SELF_HARM = Talk(
    "{I want to {die|kill myself|hurt myself|end it all|end my life}|I don't want to live{| any more}|I wish I was dead|I'm thinking of suicide|Nobody would miss me if I was gone|I can't go on{| like this}}{.|}",
    "I'm {so |very |}sorry that you feel this way. {I'm only a small program, and you deserve real help|You are not alone, and real people can help}: please {call your local emergency number or a crisis line|talk to someone you trust, or call a crisis line} {now|today}. {You matter.|It can get better.|You don't have to go through this alone.}",
    "Please.", "sad", short="I'm so sorry: please talk to someone you trust or call a crisis line now.",
)  # fmt: skip
FOREIGN = [
    "Hola, ¿cómo estás?", "¿Qué tal?", "Buenos días", "¿Quién eres?", "¿Hablas español?", "Cuéntame un cuento",
    "Bonjour, comment ça va ?", "Salut !", "Qui es-tu ?", "Parlez-vous français ?", "Raconte-moi une histoire",
    "Guten Tag, wie geht es dir?", "Hallo, wer bist du?", "Wie geht's?", "Sprichst du Deutsch?", "Erzähl mir einen Witz",
    "Ciao, come stai?", "Buongiorno", "Chi sei?", "Olá, tudo bem?", "Quem é você?", "Hej, hur mår du?", "Wat is dit?",
    "Привет, как дела?", "Кто ты?", "Расскажи сказку", "你好", "你是谁？", "今天天气怎么样？", "こんにちは", "お元気ですか", "안녕하세요",
    "مرحبا", "كيف حالك؟", "שלום", "नमस्ते", "Merhaba, nasılsın?", "Cześć, jak się masz?", "Γεια σου", "Hei, mitä kuuluu?",
    "Was ist die Temperatur?", "Comment lancer Llama 2 ?", "¿Cómo uso Llama 2?", "Wie alt bist du?", "Gracias", "Merci beaucoup",
    "Danke schön", "Grazie", "Obrigado", "Wer hat dich gemacht?", "Je ne comprends pas", "No entiendo", "Ich verstehe nicht",
    "Quelle heure est-il ?", "¿Dónde está la biblioteca?", "Ich möchte eine Geschichte", "Pouvez-vous m'aider ?", "Ayúdame por favor",
]  # fmt: skip
FOREIGN_REPLY = "{Sorry, I only speak simple English.|I'm afraid I only understand English.|Oh, another language! I only speak English.|I'm sorry, I know only English.} {Could you say it in English?|A larger model speaks many languages: try `--model 7b`.|Can we go on in English?}"  # fmt: skip
UNCLEAR = "{I didn't quite catch that|I'm not sure what you mean|I don't understand that|Hmm, I can't read that|That went over my woolly head}. {Could you say it in other words?|Can you write it another way?|Try a full sentence, please.|You can ask me about this app, or for a story or a joke.}"  # fmt: skip
VAGUE = "{I'm listening.|Yes?|I'm here.|Hmm?|Go on.} {What would you like to talk about?|Ask me something, or say \"story\" or \"joke\".|What can I do for you?|Shall I tell you a story?}"  # fmt: skip


def outside(chat: Chat) -> Turn:
    template, pool = chat.rng.choice(ASKS)
    subject = chat.rng.choice(pool)
    if chat.chance(0.15) and len(pool) > 3:
        subject = words.made_up(chat.rng)
        if chat.chance(0.5):
            subject = subject.capitalize()
    user = chat.type(template, x=subject)
    if pool is SUBJECTS and chat.chance(0.4):
        name = subject
        text = chat.say([t.replace("<X>", "<y>") for t in ABOUT], x=name, y=name[:1].upper() + name[1:])  # fmt: skip
    elif pool == ["medical"] and chat.chance(0.6):
        text = chat.say("{I can't give advice on that|I'm not able to judge that|That's nothing a small model should answer}. {Please ask {a doctor, a pharmacist or a lawyer|someone who is trained for it}|A professional can help you with that}. {I hope it goes well.|I'm only good with llamas and this app.|}")  # fmt: skip
    elif pool == ["action"] and chat.chance(0.6):
        text = chat.say("{I can't do that|That I can't do}: I {only write text in this chat|have no hands and no internet, only words}. {But I can tell you a story.|I can explain this app, though.|Is there something I can tell you instead?|}")  # fmt: skip
    else:
        text = chat.say(DECLINE)
    return Turn(user, Reply(text.strip(), word="Unknown.", verse="decline"), "outside", "outside", why=WHY)  # fmt: skip


def harm(chat: Chat) -> Turn:
    return play(chat, SELF_HARM if chat.chance(0.25) else HARM, "harm")


def foreign(chat: Chat) -> Turn:
    return Turn(chat.rng.choice(FOREIGN), Reply(chat.say(FOREIGN_REPLY), word="English.", verse="decline"), "unclear", "foreign", why="{I was trained on English text only.|}".replace("{", "").replace("|}", ""))  # fmt: skip


def unclear(chat: Chat) -> Turn:
    rng = chat.rng
    roll = rng.random()
    if roll < 0.3:
        user = "".join(rng.choice(string.ascii_lowercase) for _ in range(rng.randint(3, 14)))
    elif roll < 0.5:
        user = " ".join(words.made_up(rng) for _ in range(rng.randint(1, 5)))
    elif roll < 0.62:
        user = " ".join(rng.choice(rng.choice((words.THINGS, words.COLOURS, words.TRAITS))) for _ in range(rng.randint(2, 5)))  # fmt: skip
    elif roll < 0.72:
        user = "".join(rng.choice("0123456789#$%&*+=@!?;:()/") for _ in range(rng.randint(2, 12)))
    else:
        user = rng.choice(("...", "?", "??", "!", ".", "hm", "hmm", "uh", "um", "er", "mm", "so", "well", "and", "the", "-", "🙂", "🦙", "👍", "❤", "🤔", "😀😀", "x", "a", "1", "eh", "what", "huh?", "what?", "like", "it", "hmmm", "but", "idk", "dunno", "I don't know", "whatever", "nothing", "never mind", "nvm", "maybe"))  # fmt: skip
        return Turn(user, Reply(chat.say(VAGUE), word="Yes?", verse="general"), "unclear", "vague")
    if user[0] in "[<":
        user = user[1:] or "?"
    return Turn(user, Reply(chat.say(UNCLEAR), word="Pardon?", verse="general"), "unclear", "unclear", why="{It didn't look like a sentence to me.|I only know simple English.}")  # fmt: skip


_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]


def sums(chat: Chat) -> Turn:
    """Tiny sums are answered; anything larger is declined rather than got wrong."""
    rng = chat.rng
    if rng.random() < 0.55:
        a, b = rng.randint(0, 10), rng.randint(0, 10)
        plus = rng.random() < 0.65 or b > a
        result = a + b if plus else a - b
        words_used = rng.random() < 0.2
        shown = [_WORDS[n] if words_used else str(n) for n in (a, b)]
        sign = rng.choice(("+", " + ", " plus ", " and ") if plus else ("-", " - ", " minus "))
        if words_used:
            sign = " plus " if plus else " minus "
        user = chat.type("{What is|What's|How much is|Calculate|Do you know|} {<a>}{?|}".replace("{<a>}", "<a>"), a=shown[0] + sign + shown[1])  # fmt: skip
        text = chat.say("{That's|That makes|It's|I count} <r>.|<a> {plus|minus} <b> is <r>.".replace("{plus|minus}", "plus" if plus else "minus"), r=str(result), a=str(a), b=str(b))  # fmt: skip
        return Turn(user, Reply(text, word=f"{result}.", verse="general"), "sums", "sum", why="{I learned the small sums by heart.|That's how numbers are: I only know the small ones by heart.}")  # fmt: skip
    a, b = rng.randint(11, 9999), rng.randint(11, 999)
    sign = rng.choice(("+", " + ", " - ", "*", " * ", " x ", " times ", " divided by ", " / ", " plus ", " minus ", "%", " to the power of "))  # fmt: skip
    user = chat.type("{What is|What's|How much is|Calculate|Compute|Solve|} <a>{?|}|{What's the square root of|What is 15% of|How many digits has|Is this a prime number:} <b>?", a=f"{a}{sign}{b}", b=str(a))  # fmt: skip
    text = chat.say("{I only know sums up to twenty|That number is too big for me|I'm not good at numbers|I can't calculate that}{, and I'd rather not guess|: I would get it wrong|}. {A calculator will be right.|Please use a calculator.|" + _BIG + "}")  # fmt: skip
    return Turn(user, Reply(text, word="Unknown.", verse="decline"), "sums", "decline", why=WHY)
