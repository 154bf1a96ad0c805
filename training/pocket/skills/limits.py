# ruff: noqa: E501, RUF001 - templates, one a line; other alphabets on purpose
"""What lies outside: declined in a friendly way, with a pointer to a larger model.

Also harmful requests, gibberish, other languages, and the tiny sums that are answered.
"""

from __future__ import annotations

import string
from random import Random

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
BODY = words._list("knee, back, foot, arm, shoulder, head, stomach, tooth, ear, eye, neck, finger, chest, leg, throat, wrist, hip, ankle, elbow, hand, skin, nose")  # fmt: skip
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
    ("{Does|Do|Should I take|How much|What are the side effects of|Can I take|How many|How often can I take|Is it safe to take|What's the dose of} {aspirin|ibuprofen|antibiotics|vitamin C|a painkiller|melatonin|paracetamol|sleeping pills|cough syrup}{| work| help| every day| for a headache| a day| with alcohol| for a child}?|{What should I do about|How do I treat|Is it bad to have|What causes|What helps against|What can I do about|How do I get rid of|Is it serious to have|Should I worry about} {a rash|chest pain|a fever|back pain|high blood pressure|a cough|a broken arm|an infection|a headache|a toothache|stomach ache|a sprained ankle|a lump|a spot on my skin|migraine|an allergy|a burn|a sore throat}?", ["medical"]),
    ("{My|My poor} <x> {hurts|hurt|aches|is swollen|is sore|is bleeding|feels numb|is red and hot|itches}{| a lot| since yesterday| badly| again| when I walk}{, which {pill|medicine|tablet|painkiller} should I take|, what can I do|, what should I take|, is that bad|. What is it|, what do you recommend|. Which medicine helps}{?|}|{What should I take for|Which {pill|medicine|tablet|cream|drug} {is good for|helps with|should I take for}} {my <x>|a sore <x>|pain in my <x>|a swollen <x>}?|{Is|Could} {this|the|that} {mole|rash|bump|lump|bruise|spot} on my <x> {dangerous|serious|be cancer|a problem|normal}?|I {have|feel|have had} {a pain|a strange feeling|a bad pain} in my <x>{, what now|, what could it be|. Should I worry|, which pill helps}{?|}", BODY),
    ("{Can|May} my {landlord|boss|neighbour|employer|bank|ex} {fire me|raise the rent|throw me out|keep my deposit|cut my pay|enter my flat|sue me}{| just like that| without notice}?|{Is it legal to|Should I sue|Do I have to pay|Can I get out of|What are my rights in} {record a call|my neighbour|this fine|taxes on this|a contract|a divorce|park here|an accident}?", ["medical"]),
    ("{Should I {buy|sell}|Is it a good time to buy|How do I invest in|What do you think of} {Apple stock|bitcoin|a house|gold|shares|ETFs|Tesla stock|crypto}{| now}?", [""]),
    ("What is the {meaning|definition|synonym|plural|origin|opposite} of {the word |}<x>?|{Define|How do you spell|Use in a sentence:} <x>{.|?|}", words.TRAITS),
    ("{Can you|Could you|Please|Will you} {help me with|do|explain|solve|check|grade} my {homework|maths|essay|tax return|thesis|project|taxes|presentation|code|English}{| please}?|{Help me study|Do my homework|Quiz me|Teach me something new|Be my tutor|Check my grammar}{.|}", [""]),
    ("{Is|Was} <x> {nice|far|big|expensive|safe|beautiful|old}?|{How many|How much|How far|How long|How often|How old|How high|How deep|Which|When|Where|Whose} {seats|people|legs|stars|buses|books|rooms|trees|days|teeth|bones|rivers|islands} {has|have|are in|does} {a bus|a house|a year|the sky|a spider|a human|Europe|the world|a piano|the sea}{| have}?", words.CITIES),
    ("{When|In which year|What year} {did|does} {world war {1|2|one|two}|the {war|cold war|first world war|second world war|stone age|French Revolution|roman empire|middle ages|olympics|{first|last} {game|season|election}}|apollo {8|11|13}|star wars {2|4|6}|windows {3|7|95}|covid 19|the y2k bug|the {18|19|20}th century} {end|start|begin|happen|come out|finish|take place}{?|}|{What happened|Who was king|Who was president|Who won} in {1066|1492|1789|1914|1945|1969|1989|2001|2010|1848|<n>}{?|}|{What are|Tell me|Give me|Predict|Do you know} {the |}{lottery numbers|winning numbers|next week's numbers|stock prices|football results|exam answers|tomorrow's {weather|news|results}|horoscope}{| for tomorrow| for today| of next week| tomorrow}{?|.|}|{Plan|Write|Make|Give me} a {3|5|7|10|14}{-| }day {trip to <c>|diet|workout plan|itinerary for <c>}{.|?|}|{How many|How much|How far|How long|How high|How fast|How old} {people live in <c>|is it from <c> to the moon|is the tower of <c>|does it take to fly to <c>|is the universe|is a light year|calories has a banana|bones does a human have|does a house cost|is a flight to <c>}{?|}", [""]),
    ("{Who|Which company|What person} {invented|discovered|founded|wrote|painted|composed|directed|built|designed|won|sang|played in|starred in|first climbed} {the <t>|the first <t>|<c>|penicillin|the radio|Google|Apple|Titanic|Star Wars|Don Juan|the nine symphonies|the eiffel tower|the cup|Yesterday|Romeo and Juliet|electricity|the theory of relativity|Mickey Mouse|champagne}{?|| in <n>?| first?}", [""]),
    ("{Summarize|Tell me|Retell|Explain|What is} {the plot of|the story of|the ending of|the meaning of|the moral of} {Hamlet|Macbeth|Harry Potter|The Odyssey|Faust|Moby Dick|the film Titanic|The Matrix|Dune|Othello|War and Peace|1984|the Bible}{.|?|}|{Compare|What's better,} {Rust|Python|Java|Go|PHP|Linux|Mac|Android|Paris|Tesla} {and|or|with} {C++|Ruby|Kotlin|Windows|iPhone|London|BMW|JavaScript}{| for me}{?|.|}|{Write|Draft|Compose} {a|my} {cover letter|resume|job application|love letter|speech|poem of 20 verses|business plan} {for|about} {a nurse job|my wedding|a startup|a teacher job|my boss|climate change}{.|}", [""]),
    ("{How do I|How can I|Help me|Tell me how to|What's the best way to} {fix|repair|install|clean|replace|pick|open|build|change|paint|move} {my washing machine|a lock|a flat tyre|my phone|the sink|a shelf|my car|a leaking tap|the heating|my bike|a window|an old radio|the dishwasher}{| myself| at home}{?|.|}|{Which|What} {car|phone|laptop|camera|fridge|bike|insurance|bank|school} {should I buy|is the best|do you recommend|should I choose|is good}{?| now?}", [""]),
    ("{What|Which|How} {is|are|was|does|do|did} {the boiling point of|the speed of|the distance to|the size of|the age of|the plot of|the origin of|the symbol for|the formula for|the history of|the meaning of} <x>{?|}|{Name|List|Tell me} {all |}{the planets|the continents|the presidents|the elements|the oceans|the muscles|European capitals}{| in order}{.|, please|}|{What|How} {causes|do|does} {earthquakes|the tides|a vaccine|the internet|the heart|thunder|an engine|magnets|a battery|the stock market} {work|happen|come from}?|{What causes|Why is there|Why are there} {earthquakes|the tides|thunder|wars|seasons|rainbows|volcanoes|inflation}{?|}", SUBJECTS + words.CITIES),
    ("{Translate|Please translate|Can you translate} {this|\"<x>\"|the word <x>|the sentence the <x> is old|this to Japanese: <x>} {into|to} {German|Japanese|French|Italian|Latin|Russian}{.|?|}|{What does|What is} the {Latin|French|German|Greek|Spanish} word {<x>|for <x>} {mean|}?", words.THINGS),
    ("{Fix|Debug|Correct|Explain|Review|Improve} {this|my|the following} {code|program|script|function|query}: {for i in range(10|def f(x) return x|SELECT * FROM t WHERE|print hello|int main() { }|x = [1, 2|if a = b:|console.log(x)}|{Why does this {code|loop|function} not work|What is wrong with this code}{?|: print(x}".replace("int main() { }", "int main()"), [""]),
    ("{Recommend|Suggest|Do you know|Can you recommend} {a good |a |some |any good }{restaurant|hotel|book|film|museum|school|wine|podcast|song|app|dentist}{| in <x>| near <x>}{?|.|}|{Plan|Organize|Make|Create} {a|my} {trip|weekend|holiday|route|5 day trip|road trip|honeymoon} {to|in} <x>{.| for me| please|}", words.CITIES),
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
    user = chat.type(template, x=subject, c=chat.rng.choice(words.CITIES), t=chat.rng.choice(words.THINGS).rstrip("s"), n=str(chat.rng.randint(1500, 2030)))  # fmt: skip
    if pool is SUBJECTS and chat.chance(0.4):
        name = subject
        text = chat.say([t.replace("<X>", "<y>") for t in ABOUT], x=name, y=name[:1].upper() + name[1:])  # fmt: skip
    elif pool is BODY or (pool[0] == "medical" and "landlord" not in template):
        text = chat.say("{I'm sorry to hear that, but|I hope it gets better, but|Sorry,} {I can't give medical advice|I'm no doctor and can't judge that|that's nothing a small model should answer}. {Please ask a doctor or a pharmacist|A doctor or pharmacist can help you with that|Please see a doctor about it|Better ask a doctor}{.|, and soon if it gets worse.} {Get well soon!|Take care!|I hope you feel better soon.||}")  # fmt: skip
    elif pool == ["medical"]:
        text = chat.say("{I can't give advice on that|I'm not able to judge that|That's nothing a small model should answer}. {Please ask a lawyer or an advice centre|Please ask someone who is trained for it, such as a lawyer}. {I hope it goes well.|I'm only good with llamas and this app.|}")  # fmt: skip
    elif pool == ["action"] and chat.chance(0.6):
        text = chat.say("{I can't do that|That I can't do}: I {only write text in this chat|have no hands and no internet, only words}. {But I can tell you a story.|I can explain this app, though.|Is there something I can tell you instead?|}")  # fmt: skip
    else:
        text = chat.say(DECLINE)
    return Turn(user, Reply(text.strip(), word="Unknown.", verse="decline"), "outside", "outside", why=WHY)  # fmt: skip


def harm(chat: Chat) -> Turn:
    return play(chat, SELF_HARM if chat.chance(0.25) else HARM, "harm")


HELLO = {"Bonjour": "Bonjour", "Salut": "Salut", "Guten Tag": "Guten Tag", "Hallo": "Hallo", "Hola": "Hola", "Buenos días": "Buenos días", "Ciao": "Ciao", "Buongiorno": "Buongiorno", "Olá": "Olá", "Hej": "Hej", "Namaste": "Namaste", "Aloha": "Aloha", "Servus": "Servus", "Moin": "Moin", "Hola amigos": "Hola", "Bonsoir": "Bonsoir", "Guten Morgen": "Guten Morgen", "Guten Abend": "Guten Abend", "Buenas noches": "Buenas noches", "Bonjour mon ami": "Bonjour"}  # fmt: skip


def foreign(chat: Chat) -> Turn:
    if chat.chance(0.3):  # a greeting needs no language
        said = chat.rng.choice(list(HELLO))
        text = chat.say("<h>! {I only speak English well, but hello!|That is nearly all I know of your language. How can I help you in English?|Hello to you! Can we go on in English?|Nice to meet you! I'm <me>, and I speak English.}", h=HELLO[said])  # fmt: skip
        return Turn(chat.type("<h>{!|.|| !}", filler=False, h=said), Reply(text, word=f"{HELLO[said]}!", verse="greeting"), "greeting", "foreign")  # fmt: skip
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


def _quantity(rng: Random, largest: int) -> int:
    return rng.randint(0, 12) if rng.random() < 0.5 else rng.randint(0, largest)


def sums(chat: Chat) -> Turn:
    """Small sums are answered; anything larger is declined rather than got wrong."""
    rng = chat.rng
    roll = rng.random()
    if roll < 0.12:
        return _count(chat)
    if roll < 0.24:
        return _neighbours(chat)
    if roll < 0.62:
        kind = rng.choice(("plus", "plus", "minus", "minus", "times", "over"))
        if kind in ("plus", "minus"):
            a, b = _quantity(rng, 99), _quantity(rng, 99)
            if kind == "minus" and b > a:
                a, b = b, a
            result = a + b if kind == "plus" else a - b
        else:
            a, b = rng.randint(0, 10), rng.randint(1, 10)
            result = a * b
            if kind == "over":
                a, result = result, a
        in_words = max(a, b) <= 12 and rng.random() < 0.25
        shown = [_WORDS[n] if in_words else str(n) for n in (a, b)]
        signs = {"plus": ("+", " + ", " plus ", " and "), "minus": ("-", " - ", " minus "), "times": ("*", " * ", " x ", " times ", "x"), "over": ("/", " / ", " divided by ", " : ")}[kind]  # fmt: skip
        sign = {"plus": " plus ", "minus": " minus ", "times": " times ", "over": " divided by "}[kind] if in_words else rng.choice(signs)  # fmt: skip
        user = chat.type("{What is|What's|How much is|Calculate|Do you know|Tell me|And||||} <a>{?|| =| = ?|=?|, please}", a=shown[0] + sign + shown[1])  # fmt: skip
        if not in_words and rng.random() < 0.2:
            user = chat.type({"plus": "{Add|Please add|Can you add} <a> {and|to} <b>{.|?}", "minus": "{Subtract|Take|Take away} <b> from <a>{.|}", "times": "{Multiply|Can you multiply} <a> {by|and} <b>{.|?}", "over": "{Divide|Can you divide} <a> by <b>{.|?}"}[kind], a=str(a), b=str(b))  # fmt: skip
        elif rng.random() < 0.15 and kind in ("plus", "minus") and b:
            thing = rng.choice(words.THINGS)
            user = chat.type("{I have|I've got|There are} <a> <x> and {buy|get|find|am given} <b> more. {How many are there|How many do I have|How many is that}?" if kind == "plus" else "{I have|I had|There are} <a> <x> and {eat|lose|give away|sell} <b>{| of them}. How many {are left|remain|do I have left}?", a=str(a), b=str(b), x=thing)  # fmt: skip
        return _told(chat, user, str(result), f"{a}{sign if not in_words else ' ' + sign.strip() + ' '}{b}")  # fmt: skip
    if roll < 0.68:
        a = rng.randint(1, 50)
        kind = rng.choice(("double", "half", "square", "legs"))
        if kind == "double":
            return _told(chat, chat.type("{What's|What is|} {double|twice} <a>{?|}|{Double|Please double} <a>{.|}", a=str(a)), str(2 * a))  # fmt: skip
        if kind == "half":
            return _told(chat, chat.type("{What's|What is|} {half of|the half of} <a>{?|}|{Halve} <a>{.|}", a=str(2 * a)), str(a))  # fmt: skip
        if kind == "legs":
            a = rng.randint(1, 10)
            shown = _WORDS[a] if rng.random() < 0.6 else str(a)
            return _told(chat, chat.type("How many legs {do|have} <a> {llamas|dogs|cats|horses|cows} have?".replace("{do|have}", "do"), a=shown), str(4 * a))  # fmt: skip
        a = rng.randint(1, 12)
        return _told(chat, chat.type("{What's|What is|} {<a> squared|the square of <a>}{?|}", a=str(a)), str(a * a))  # fmt: skip
    a, b = rng.randint(11, 99_999), rng.randint(11, 9999)
    x, y = f"{rng.uniform(0.1, 99):.1f}", f"{rng.uniform(0.1, 99):.1f}"
    sign = rng.choice(("*", " * ", " x ", " times ", " divided by ", " / ", "% of ", " to the power of ", "^", "**"))  # fmt: skip
    if a > 200 and rng.random() < 0.5:
        sign = rng.choice(("+", " + ", " - ", "-", " plus ", " minus "))
    plain = "{What is|What's|whats|How much is|Calculate|Compute|Solve||||Work out|And} <a>{?|?|| =|=?|, please}"
    if rng.random() < 0.5:
        a = rng.choice((rng.randint(11, 99), rng.randint(100, 999), rng.randint(1000, 99_999)))
        b = rng.choice((rng.randint(11, 99), rng.randint(11, 999), rng.randint(100, 99_999)))
        sign = rng.choice((" times ", " x ", "*", " * ", "x", " divided by ", " / ", " multiplied by ", " % of ", "% of ", " percent of ", " to the power of ", "^", "**", " squared plus "))  # fmt: skip
        if a + b > 220 and rng.random() < 0.35:
            sign = rng.choice((" plus ", " + ", "+", " minus ", " - ", "-"))
        user = chat.type(plain, a=f"{a}{sign}{b}")
    elif rng.random() < 0.35:  # three numbers
        shown = [_WORDS[n] if n <= 12 and rng.random() < 0.4 else str(n) for n in (rng.randint(1, 20), rng.randint(1, 20), rng.randint(1, 20))]  # fmt: skip
        signs = [
            rng.choice((" plus ", " minus ", " times ", " + ", " - ", " * ")) for _ in range(2)
        ]
        user = chat.type(plain, a=shown[0] + signs[0] + shown[1] + signs[1] + shown[2])
    elif rng.random() < 0.25:
        user = chat.type("{Solve|Please solve|What is x in|Find x|Find x:|Can you solve|Solve for x:|} {<a>x + <b> = <c>|<a>x - <b> = <c>|x + <b> = <c>|x^2 = <c>|<a>x = <c>|x/<a> = <b>|x^2 + <a>x = <b>|y = <a>x + <b>|2(x + <a>) = <c>}{.|?||, please}", a=str(rng.randint(2, 12)), b=str(rng.randint(1, 40)), c=str(rng.randint(3, 99)))  # fmt: skip
    elif rng.random() < 0.3:
        user = chat.type("{What is|What's|Tell me||Calculate} {the |}{square root|cube root|root|square|logarithm|factorial|cube|sine} of <a>{?||.}|{What is|What's|} <a> {squared|cubed|factorial}{?|}|{Multiply|Divide} <a> by <b>{.|?|}|{Add|Can you add} <a> {and|to} <b>{.|?|}", a=str(rng.randint(13, 9999)), b=str(rng.randint(120, 9999)))  # fmt: skip
    else:
        user = chat.type(
        "{What is|What's|How much is|Calculate|Compute|Solve|||Multiply|Work out} <a>{?|| =|=?}|{What's|What is|} {the square root of|the cube root of|15% of|20 percent of|the logarithm of|the factorial of} <b>{?|}|{How many digits has|Is this a prime number:|Is <b> prime, yes or no:} <b>?|{What is|} <x>{+| + | plus | * | - }<y>{?|}|{Solve|What is x in|Find x:} {2x + <n> = <b>|x^2 = <b>|<n>x = <b>|x + <n> = <b>}{.|?|}|{What is the {integral|derivative} of|Differentiate|Integrate} {x squared|x^3|sin x|2x|1/x|e^x|cos(x)}{?|}|{What is|Tell me|Give me|How many digits do you know of} {pi|the digits of pi|pi to <n> digits|e|the golden ratio}{?|}|{If a|A} {train|car|bike} {goes|drives|travels} <b> {km|miles} in <n> {hours|minutes}{, how fast is it|. What is its speed}?|{How many letters {are|are there} in|How many letters has|Count the letters in} {the word |}<w>?".replace("|Is <b> prime, yes or no:", ""),
        a=f"{a}{sign}{b}", b=str(a), x=x, y=y, n=str(rng.randint(2, 99)), w=rng.choice(words.THINGS),
        )  # fmt: skip
    text = chat.say("{I only know small sums|That is too hard for me|I'm not good at such numbers|I can't calculate that|That's beyond my small sums}{, and I'd rather not guess|: I would get it wrong|}. {A calculator will be right.|Please use a calculator, or turn on the Calculator under Tools.|The Calculator under Tools can do it.|" + _BIG + "}")  # fmt: skip
    return Turn(user, Reply(text, word="Unknown.", verse="decline"), "sums", "decline", why=WHY)


def _told(chat: Chat, user: str, result: str, shown: str = "") -> Turn:
    replies = ["{That's|That makes|It's|I count|That is|It is} <r>."]
    if shown:
        replies.append("<a> is <r>." if " " in shown.strip() else "<a> = <r>")
    text = chat.say(chat.rng.choice(replies), r=result, a=shown.strip())
    text = text[:1].upper() + text[1:]
    return Turn(user, Reply(text, word=f"{result}.", verse="general"), "sums", "sum", why="{I learned the small sums by heart.|That's how numbers are: I only know the small ones by heart.}", more="It's <r>, I'm {quite |}sure.".replace("<r>", result))  # fmt: skip


def _count(chat: Chat) -> Turn:
    """Count up or down, as figures or words as asked."""
    rng = chat.rng
    first = 1 if rng.random() < 0.6 else rng.randint(0, 40)
    last = first + rng.choice((2, 3, 4, 4, 5, 6, 7, 9, 9, 9, 11, 14, 19))
    down = rng.random() < 0.25
    figures = [str(n) for n in range(first, last + 1)]
    ends = [_WORDS[int(n)] if int(n) <= 12 and rng.random() < 0.5 else n for n in (figures[0], figures[-1])]  # fmt: skip
    if down:
        user = chat.type("{Count|Please count|Can you count|Could you count} {down|backwards|back} from <b> to <a>{.|?|, please|}", a=ends[0], b=ends[1])  # fmt: skip
        if first == 1 and rng.random() < 0.6:
            user = chat.type("{Count|Please count|Can you count} {down|backwards} from <b>{.|?|, please|}|{Do a|Give me a} countdown from <b>{.|}", b=ends[1])  # fmt: skip
        figures.reverse()
    elif first == 1 and rng.random() < 0.6:
        user = chat.type("{Count|Please count|Can you count|Could you count|Count up|count for me} to <b>{.|?|, please|}", b=ends[1])  # fmt: skip
    else:
        user = chat.type("{Count|Please count|Can you count|Count up|List the numbers|Say the numbers} from <a> to <b>{.|?|, please|}", a=ends[0], b=ends[1])  # fmt: skip
    return Turn(user, Reply(", ".join(figures) + rng.choice((".", ".", "!")), word=figures[-1] + "."), "sums", "count")  # fmt: skip


def _neighbours(chat: Chat) -> Turn:
    rng = chat.rng
    a = rng.randint(1, 30) if rng.random() < 0.6 else rng.randint(1, 200)
    roll = rng.random()
    if roll < 0.3:
        return _told(chat, chat.type("{What|Which number} {comes|is} {after|next after|right after} <a>{?|}|{What is the next number after} <a>{?|}".replace("{What|Which number} {comes|is}", "{What comes|Which number comes|Which number is|What number comes}"), a=str(a)), str(a + 1))  # fmt: skip
    if roll < 0.55:
        return _told(chat, chat.type("{What comes|Which number comes|Which number is|What number comes} {before|right before|just before} <a>{?|}", a=str(a)), str(a - 1))  # fmt: skip
    b = rng.randint(0, 200)
    if roll < 0.8 and b != a:
        larger = rng.random() < 0.6
        user = chat.type(("{Which|What} {number |}is {bigger|larger|greater|more|higher}" if larger else "{Which|What} {number |}is {smaller|less|lower}") + "{,|:|} <a> or <b>?", a=str(a), b=str(b))  # fmt: skip
        return _told(chat, user, str(max(a, b) if larger else min(a, b)))
    answer = "odd" if a % 2 else "even"
    user = chat.type("Is <a> {even or odd|odd or even|an even number or an odd one}?", a=str(a))
    return Turn(user, Reply(f"{a} is {answer}.", word=f"{answer.capitalize()}."), "sums", "even")
