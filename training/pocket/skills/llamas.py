# ruff: noqa: E501 - templates, one a line
"""True facts about llamas, and jokes about them."""

from __future__ import annotations

from ..chat import Chat, Reply, Turn
from .talk import Talk, play

# Question, answer, one word. Facts as in common reference works; kept simple.
FACTS = [
    Talk("{What do llamas eat|What does a llama eat|What's a llama's favo{u|}rite food|Are llamas vegetarian|What should I feed a llama|Do llamas eat {grass|hay|meat}}?",
         "Llamas {eat|live on} {grass, hay and other plants|plants: mostly grass and hay}. {They are not picky and need less food than a horse.|They chew it twice, as camels do.|They never eat meat.}", "Grass."),
    Talk("{Where do llamas live|Where do llamas come from|Where are llamas from|What is the home of llamas|Do llamas live in {Peru|Africa|the mountains}|In which country do llamas live}?",
         "Llamas come from {South America|the Andes in South America}, {above all from Peru and Bolivia|from countries such as Peru, Bolivia and Chile}. {Today people keep them all over the world.|They are at home high up in the mountains.}", "Andes."),
    Talk("{How tall are llamas|How big are llamas|How tall is a llama|How high is a llama|How big does a llama get|What size is a llama}?",
         "A grown llama is {about 1.7 to 1.8 metres tall|about 1.7 to 1.8 metres} at the top of the head. {That's about as tall as a person.|Much of that is neck.}", "Tall."),
    Talk("{How heavy is a llama|How much does a llama weigh|How heavy are llamas|What does a llama weigh|What's the weight of a llama}?",
         "A grown llama weighs {about 130 to 200 kilograms|between 130 and 200 kilograms}. {A newborn weighs about 10.|An alpaca weighs only about half of that or less.}", "Heavy."),
    Talk("{Do llamas spit|Why do llamas spit|Will a llama spit at me|Do llamas really spit|Why does a llama spit}?",
         "{Yes, llamas can spit|Llamas do spit}, {but mostly at each other|mostly to settle quarrels within the herd}: {it means \"leave me alone\"|it's a way to say \"keep away from my food\"}. {A well-kept llama rarely spits at people.|They seldom do it to people.}", "Yes."),
    Talk("{What's|What is} the difference between {a llama and an alpaca|llamas and alpacas|an alpaca and a llama}?|{How do llamas and alpacas differ|Is a llama the same as an alpaca|llama vs alpaca|Are alpacas llamas}?",
         "{A llama is about twice as heavy as an alpaca and has longer, banana-shaped ears.|Llamas are larger, with long curved ears; alpacas are smaller and have straight ears.} {Llamas carry loads, alpacas are kept for their fine wool.|Alpacas are bred for their soft fleece, llamas also to carry things.}", "Size."),
    Talk("{How long do llamas live|How old do llamas get|How old can a llama get|What is the lifespan of a llama|How old does a llama become}?",
         "Llamas {live for|get} {about 15 to 25 years|15 to 25 years}{ old|}. {Some become even older.|With good care it can be more than 20.}".replace("{live for|get} {about 15 to 25 years|15 to 25 years}{ old|}", "usually live {for about|} 15 to 25 years"), "Twenty."),
    Talk("{What is a baby llama called|What's a baby llama called|What do you call a baby llama|How is a young llama called|What's a cria|What is a cria|Name of a baby llama}?",
         "A baby llama is called a cria{, from the Spanish word for baby|}. {It can stand and walk about an hour after birth.|A cria is usually born in the morning.|It weighs about 10 kilograms at birth.}", "Cria."),
    Talk("{What is a group of llamas called|What do you call a group of llamas|Do llamas live in {groups|herds|families}|Are llamas social|Do llamas like to be alone|Can I keep one llama alone}?",
         "{A group of llamas is called a herd.|Llamas live in herds.} {They don't like to be alone, so one should keep at least two.|They are very social and get unhappy alone.}", "Herd."),
    Talk("{What sound does a llama make|What noise do llamas make|How do llamas talk|What does a llama say|How do llamas communicate|Do llamas hum|Why do llamas hum}?",
         "Llamas {mostly hum|hum}: {a soft \"mmm\"|a soft, long hum}. {Mothers hum to their babies, and llamas hum when they are curious, tired or worried.|They also have a loud alarm call when there is danger.|Ears and tail say a lot, too.}", "Humming."),
    Talk("{Are llamas {camels|related to camels|a kind of camel}|What animals are related to llamas|What family do llamas belong to|Which animals are llamas related to|Who are the relatives of llamas}?",
         "{Yes, llamas belong to the camel family|Llamas are members of the camel family}, {but they have no hump|only without a hump}. {Alpacas, guanacos and vicuñas are their close relatives.|Their wild ancestor is the guanaco.}", "Camels."),
    Talk("{How much can a llama carry|Can llamas carry {things|loads|people|a person}|Can I ride a llama|Can you ride a llama|Can people ride llamas|How strong is a llama|Are llamas strong}?",
         "A llama can carry {about a quarter of its own weight|about 25 to 35 kilograms} {over many kilometres|for a whole day}. {That's too little for a grown person, so one doesn't ride them.|If it's too heavy, it lies down and refuses to move.}", "Quarter."),
    Talk("{Are llamas {smart|clever|intelligent}|Can you train a llama|How smart are llamas|Can llamas learn tricks}?",
         "{Yes, llamas are quite clever|Llamas are smart animals}: they {learn simple tasks after a few tries|learn a task within a few tries}. {They are calm and curious, too.|They also remember people and places well.}", "Clever."),
    Talk("{Why do farmers keep llamas|What are llamas used for|Do llamas guard sheep|What are llamas good for|Can llamas protect sheep|Why do people keep llamas|What do llamas do}?",
         "People keep llamas {to carry loads, for their wool, and as guards of sheep|for wool, as pack animals and as guards}. {A single llama can keep foxes and coyotes away from a flock.|They bravely chase foxes and dogs away.|They are also calm company.}", "Helping."),
    Talk("{How fast {can a llama run|are llamas|is a llama|do llamas run}|Can llamas run{ fast|}|What's the top speed of a llama}?",
         "A llama can run {at about 55 kilometres an hour|about 55 kilometres an hour, or 35 miles an hour}. {That's faster than any person.|But it prefers to walk.}", "Fast."),
    Talk("{What colo{u|}rs do llamas have|What colo{u|}r is a llama|What colo{u|}r are llamas|Are llamas white|Are there black llamas}?",
         "Llamas {come in|can be} {white, brown, black, grey and spotted|white, brown, grey, black or a mix of them}. {Many have patches of several colours.|White and brown are the most common.}", "Many."),
    Talk("{How many stomachs does a llama have|How many stomachs do llamas have|How does a llama digest|How many toes does a llama have|What feet do llamas have|Do llamas have hooves}?",
         "A llama has one stomach with three chambers, and two toes on each foot. {Under the toes are soft pads, so it walks gently on the ground.|The soft pads under its feet are gentle on mountain paths.}", "Three."),
    Talk("{Is llama wool {good|warm|soft|useful}|What is llama wool used for|Do llamas have wool|What is llama wool like|Can you make {clothes|socks|a sweater} from llama wool}?",
         "{Llama wool is warm and light|Llama wool is warm, light and sheds water}. {The soft undercoat becomes clothes, the coarse outer hair becomes ropes and rugs.|People make blankets, ropes and clothes from it.}", "Warm."),
    Talk("{How long are llamas pregnant|How long does a llama carry its baby|How long is a llama's pregnancy|How many babies do llamas have|Do llamas have twins}?",
         "A llama is pregnant for {about eleven and a half months|about 350 days} and usually has a single baby. {Twins are very rare.|The baby is called a cria.}", "Eleven."),
    Talk("{How long have people kept llamas|Since when do people keep llamas|Did the Incas {have|use|keep} llamas|Who first kept llamas|What did the Incas do with llamas}?",
         "People {in the Andes|in South America} have kept llamas for {at least 4,000 years|thousands of years}. {For the Incas they were the most important animals: they carried goods over the mountains.|The Incas used them to carry goods, for wool and for food.}", "Long."),
    Talk("{How do llamas sleep|How much do llamas sleep|Do llamas sleep standing|Do llamas lie down to sleep}?",
         "Llamas {mostly sleep lying down|lie down to sleep}, with their legs folded under them. {They rest for several hours, but lightly.|One way to sit like this is called kushing.}", "Lying."),
    Talk("{Are llamas {dangerous|friendly|gentle|aggressive|nice|good pets}|Can I keep a llama as a pet|Can I have a llama as a pet|Do llamas bite|Do llamas make good pets}?",
         "Llamas are {calm and gentle|friendly and calm} when they are treated well. {They need a meadow, a shelter and at least one other llama.|They need company and space, so a flat is no home for them.}", "Gentle."),
]  # fmt: skip
ANY_FACT = "{Tell me|Give me|Do you know|Share|Can you tell me|I want to hear|Tell me please} {a|another|one|an interesting|a fun|some} {llama |}fact{| about llamas}{?|.|}|{Tell me|What can you tell me|What do you know|Teach me something} {something |}about llamas{.|?|}|{A |}{llama fact|fun fact|fact}{| please}{.|}"  # fmt: skip
WHAT_IS = "{What is a llama|What's a llama|What are llamas|Explain llamas|Describe a llama|What does a llama look like}?"  # fmt: skip
WHAT_REPLY = "A llama is {a woolly animal from the Andes in South America|a South American animal of the camel family}, {with a long neck and banana-shaped ears|kept for its wool and to carry loads}. {It's calm, clever and lives in herds.|People have kept llamas for thousands of years.}"  # fmt: skip

JOKES = [
    ("What do you call a llama who {knows everything|reads a lot}?", "{A llama-nary.|A smart aleck-paca.}"),
    ("What did the llama say when {it was invited to a picnic|someone offered it lunch}?", "\"Alpaca lunch!\""),
    ("What do llamas say at the end of the world?", "\"It's a llama-geddon!\""),
    ("How do you start a llama race?", "You say: \"Ready, set, spit!\""),
    ("Why did the llama cross the road?", "{To prove that it wasn't a chicken.|Because the chicken was on holiday.}"),
    ("What do you call a very fast llama?", "A llam-borghini."),
    ("What is a llama's favourite drink?", "Llama-nade."),
    ("Why did the llama get a ticket?", "Because it was spitting in public."),
    ("What do you get when a llama tells a sad story?", "A llama drama."),
    ("Why are llamas so good at {cards|poker}?", "They keep a straight face and a long neck to look over yours."),
    ("What do you call a llama without legs?", "A woolly rug."),
    ("Why did the llama go to school?", "To become a little herd-er to fool."),
    ("How does a llama answer the phone?", "\"Hum... hello?\""),
    ("What does a llama wear in the rain?", "{Its own sweater.|A woolly coat it never takes off.}"),
    ("What kind of music do llamas like?", "Hum-drum music."),
    ("Why do llamas never get lost?", "They always have their neck above the map."),
    ("Why did the small language model bring a ladder?", "To reach a higher temperature."),
    ("Why was the model so calm?", "Somebody had set its temperature to zero."),
    ("Why did the token feel lonely?", "It had fallen out of the context window."),
    ("What did one llama say to the other on the mountain?", "\"I've herd it's a nice view.\""),
    ("What do you call a llama that does magic?", "{A llama-cadabra.|Houdini-llama.}"),
    ("Where do llamas go on holiday?", "{To Alpacapulco.|To the Baa-hamas, with the sheep.}"),
    ("What is a llama's favourite game?", "Hide and spit."),
    ("Why don't llamas use computers?", "They are afraid of the mouse."),
    ("What do you call a sleeping llama?", "A llama in pajama."),
]  # fmt: skip
ASK_JOKE = "{Tell me|Can you tell me|Do you know|Give me|I want to hear|I need|I'd like|Please tell me|Let me hear|Say} {a|another|one|a good|a funny|a short|any|a llama|a llama} {joke|joke|pun}{| please| about llamas}{?|.|!|}|{Joke|A joke|Joke please|Make me laugh|Make a joke|Say something funny|Be funny|Tell a joke|Do you know any jokes|Got any jokes|Know any jokes}{.|?|!|}"  # fmt: skip
ANOTHER = "{Another one|One more|Another|Again|More|Tell me another{ one|}|And another{ one|}|Do you have another one|Next|Do you know another one|Give me another|Encore|another please}{, please|}{.|!|?|}"  # fmt: skip


def fact(chat: Chat) -> Turn:
    index = int(chat.rng.random() * len(FACTS))
    talk = FACTS[index]
    roll = chat.rng.random()
    if roll < 0.12:
        text = chat.say(WHAT_REPLY)
        return Turn(chat.type(WHAT_IS), Reply(text, word="Animal.", verse="llama"), "llama", "what", more=talk.reply)  # fmt: skip
    ask = ANY_FACT if roll < 0.35 else talk.ask
    if ask is ANY_FACT and chat.last and chat.last.skill == "llama" and chat.chance(0.5):
        ask = ANOTHER
    turn = play(chat, talk, "llama", f"llama-{index}", ask=ask)
    turn.reply.verse = "llama"
    turn.more = FACTS[(index + 1 + int(chat.rng.random() * (len(FACTS) - 1))) % len(FACTS)].reply
    turn.why = "{That's how nature and long breeding in the Andes made them.|I only know the simple fact, not the reason behind it.|Llamas are made for life in the mountains, and much follows from that.}"  # fmt: skip
    return turn


def joke(chat: Chat) -> Turn:
    told = chat.notes.get("jokes", "")
    question, answer = chat.rng.choice([j for j in JOKES if j[0] not in told] or JOKES)
    chat.notes["jokes"] = told + question
    repeat = chat.last is not None and chat.last.skill == "joke"
    user = chat.type(ANOTHER if repeat and chat.chance(0.7) else ASK_JOKE)
    lead = chat.say("{|||Here is one: |Sure! |Gladly! |All right: |Let me think... }")
    text = f"{lead}{chat.say(question)} {chat.say(answer)}"
    return Turn(user, Reply(text, word="Llama-nade!", short=chat.say("I'd call a very fast llama a llam-borghini."), verse="happy"), "joke", "joke",
                why="{It's a play on words, and a joke gets worse when it's explained.|Because it's a pun. Llamas like them woolly.|I'm not sure it is funny, but it made me hum.}")  # fmt: skip
