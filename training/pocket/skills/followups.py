# ruff: noqa: E501 - templates, one a line
"""Messages that only mean something after another one: why, more, shorter, again, repeat."""

from __future__ import annotations

import re

from .. import words
from ..chat import Chat, Reply, Turn, first_sentence
from . import guide, identity, llamas, memory, smalltalk, stories
from .talk import play


def why(chat: Chat) -> Turn | None:
    last = chat.last
    if last is None or not last.why:
        return None
    user = chat.type("{Why|Why is that|Why so|But why|Why not|How come|Why that|And why|What's the reason|Why though}{?|}")  # fmt: skip
    return Turn(user, Reply(chat.say(last.why), word="Because.", verse=last.reply.verse), "follow", "why")  # fmt: skip


def more(chat: Chat) -> Turn | None:
    last = chat.last
    if last is None or not last.more:
        return None
    user = chat.type("{Tell me more|More|Go on|Can you say more|What else|Anything else|More please|Continue|More details{| please}|Can you explain more|Say more about {it|that}|Elaborate}{?|.|}")  # fmt: skip
    lead = chat.say("{||Sure. |Gladly. |Also: |One more thing: }")
    return Turn(user, Reply((lead + chat.say(last.more)).strip(), word="More.", verse=last.reply.verse), "follow", last.topic, why=last.why)  # fmt: skip


def shorter(chat: Chat) -> Turn | None:
    last = chat.last
    if last is None or last.reply.plain or len(last.reply.text) < 60 or "\n\n-" in last.said:
        return None
    short = last.reply.short or first_sentence(last.reply.text)
    if len(short) > 0.8 * len(last.said):
        return None
    user = chat.type("{Shorter|Shorter please|Can you say that shorter|Make it shorter|In one sentence|In short|Too long|TLDR|tl;dr|Summarize that|Say it in one sentence|Briefly|Keep it short|Shorter version}{, please|}{.|?|}")  # fmt: skip
    return Turn(user, Reply(short, word=last.reply.word, verse=last.reply.verse), "follow", last.topic, why=last.why, more=last.more)  # fmt: skip


# Good values of the options that have one.
VALUES = {"temperature": "0.7", "top_p": "0.9", "top_k": "50", "repetition_penalty": "1.1", "max_new_tokens": "512", "port": "7860", "context_window": "2,048 for me and 4,096 for Llama 2"}  # fmt: skip


def value(chat: Chat) -> Turn | None:
    """ "What's a good value for it?", after an option of the guide."""
    last = chat.last
    if last is None or last.skill != "guide" or (last.topic not in VALUES and not chat.chance(0.15)):  # fmt: skip
        return None
    user = chat.type("{What's a good value|Which value {is good|should I take|do you recommend|is best}|What should I set it to|What do you recommend|What is the default|And a good value{ for it|}|How high should it be|What number {do I use|is good}|What is normal|Give me a number|Which one should I use}{?|}")  # fmt: skip
    if last.topic in VALUES:
        text = chat.say("{A good value is|Take|Try|I'd start with|The usual value is} <v>{.| and see how you like it.|, it suits most chats.}", v=VALUES[last.topic])  # fmt: skip
        return Turn(user, Reply(text, word=f"{VALUES[last.topic].split()[0]}.", verse="guide"), "guide", last.topic, why=last.why, more=last.more)  # fmt: skip
    text = chat.say("{There is no number for it|It has no value to set}: {just use it as it is|it is simply there}.")  # fmt: skip
    return Turn(user, Reply(text, word="None.", verse="guide"), "guide", last.topic, why=last.why, more=last.more)  # fmt: skip


def simpler(chat: Chat) -> Turn | None:
    """ "Can you explain that more simply?" """
    last = chat.last
    if last is None or last.skill != "guide" or last.topic not in guide.BY_KEY:
        return None
    topic = guide.BY_KEY[last.topic]
    user = chat.type("{Can you explain that more simply|Simpler please|I don't understand{ that|}|In simple words{ please|}|Too complicated|Explain it like I'm five|Easier please|Say it more simply|I still don't get it|What does that mean|Huh, I don't get it|Can you say it more easily}{?|.|}")  # fmt: skip
    text = chat.say(topic.plain or topic.core)
    return Turn(user, Reply(text, word=topic.word, verse="guide", short=text), "guide", last.topic, why=last.why, more=last.more)  # fmt: skip


def example(chat: Chat) -> Turn | None:
    """ "Can you give me an example?" """
    last = chat.last
    if last is None or last.skill != "guide" or last.topic not in guide.BY_KEY:
        return None
    user = chat.type("{Can you give me an example|An example{ please|}|For example|Example|Do you have an example|Such as|Give an example|Show me an example}{?|.|}")  # fmt: skip
    topic = guide.BY_KEY[last.topic]
    if last.topic in VALUES:
        text = chat.say("{For example|Try}: set it to <v> and ask the same question {again|twice}.", v=VALUES[last.topic].split()[0])  # fmt: skip
    else:
        text = chat.say(topic.extra[0] if topic.extra and not topic.extra[0].startswith("\n") else topic.core)  # fmt: skip
    return Turn(user, Reply(text, word=topic.word, verse="guide"), "guide", last.topic, why=last.why, more=last.more)  # fmt: skip


PLACES = [
    ("temperature|top_p|top_k|repetition_penalty|max_new_tokens|seed|system_prompt|sampling|control remember|control reminder|control stop words|control sampling presets|control reset|control tools|control system prompt presets|greedy", "{It's|You find it|It is} under Advanced options, below the message box."),
    ("control saved chats|control search|control rename|control delete|control new chat|control import|control export", "{It's|You find it|It is} in the sidebar, on the left."),
    ("retry|control edit|control versions|control copy|control replay|control continue|control why this word|control pin", "{It's|You find it|It is} under the message itself."),
    ("stop|control send|control context meter", "{It's|You find it|It is} at the message box, at the bottom."),
]  # fmt: skip


def where(chat: Chat) -> Turn | None:
    """ "Where do I find it?", after a control or a flag."""
    last = chat.last
    if last is None or last.skill != "guide":
        return None
    place = "{You give it on the command line|It's a flag}: write it after `python app.py`." if last.topic.startswith("control --") else ""  # fmt: skip
    for keys, said in PLACES:
        if last.topic in keys.split("|"):
            place = said
    if not place:
        return None
    user = chat.type("{Where {is it|is that|do I find it|can I find it|do I set it|can I change it}|And where is it|How do I get there|I can't find it|Where exactly|How do I open it|Where do I turn it on}{?|}")  # fmt: skip
    return Turn(user, Reply(chat.say(place), word="There.", verse="guide"), "guide", last.topic, why=last.why, more=last.more)  # fmt: skip


# What is asked next about one topic: "does it delete the text?"
_QUALITY = ("{Does it|Will that|Does that} {cost|lose|harm|reduce} {quality|the answers|much}?|{Is it worse|What do I lose}?", "A little: the loss in quality is small.")  # fmt: skip
NEXT: dict[str, list[tuple[str, str]]] = {
    "stop": [("{Does it|Will that|Does that} {delete|remove|lose|throw away} {the|my} {text|reply|answer|words}?|{Is the text {gone|lost} then|What happens to the text|Do I lose what was written}?", "{No, the text so far stays|No, what was written is kept}. You can go on with Continue.")],
    "control versions": [("{How do I|How can I|Can I} {go back|get back|return|switch} to the {first|other|earlier|old|previous|second} one?|{And how do I go back|How do I switch|How do I see the first one again}?", "{Click the left arrow|Use the arrows < and >}: they {go|switch} from version to version."), ("{Are the others lost|Is the old one gone|Do I lose the others}?", "No, all versions are kept.")],
    "top_p": [("{What does it do|What happens|And if I set it|What if it is} {at|to|when it's|with} {1|1.0|one}?", "At 1 nothing is cut off: all words stay in the draw."), ("{What happens|And} {at|with} {0.1|a small value|a low value}?", "Then only the most likely words are left, and replies get steady.")],
    "top_k": [("{What does it do|What happens|And if I set it|What if it is} {at|to|when it's|with} {1|one}?", "At 1 only the most likely word is left, so it always wins.")],
    "repetition_penalty": [("{What does it do|What happens|And if I set it|What if it is} {at|to|when it's|with} {1|1.0|one}?", "At 1 it is off.")],
    "temperature": [("{What happens|And|What if it's|And if it is} {at|with|} {2|1.5|a high value|the maximum}?", "Then replies get wild, and often turn into nonsense."), ("{What happens|And|What if it's|And if it is} {at|with|} {0|zero}?", "At 0 the most likely word always wins, so the reply is the same each time.")],
    "seed": [("{What if I leave it empty|And without a seed|What if I change it}?", "Then each reply is a new one.")],
    "nf4": [_QUALITY], "four_bit": [_QUALITY, ("{Which|What} {sizes|kinds|options} are there?", "4bit, 8bit or none, with `--quantization`.")],
    "control export": [("{Where {is|does} it {kept|saved|go|stored}|Where do I find the file}?".replace("{Where {is|does} it {kept|saved|go|stored}|", "{Where is it {kept|saved|stored}|Where does it go|"), "The file is {saved by your browser|a download of your browser}; the chats themselves stay in the sidebar, in this browser."), ("{Which|What} {formats|kinds of file} {are there|can I choose|does it have}?|{In which format|As what}?", "JSON to import again, and Markdown to read.")],
    "control saved chats": [("{Where {is it|are they} {kept|stored|saved}|Are they safe|Who can see them|Are they on a server}?", "They are kept only in this browser, nowhere else.")],
    "control delete": [("{Can I undo {that|it}|Can I get it back|Is it gone for ever}?", "You can undo it right after; later it's gone.")],
    "memory": [("{And without a GPU|What if I have no GPU|And on a CPU}?", "Without a GPU stay with me, Pocket Llama: I run on any CPU.")],
    "control 7b": [("{And without a GPU|What if I have no GPU|How much memory does it need}?", "It takes about 4 GB of GPU memory; without a GPU stay with me, Pocket Llama.")],
    "port": [("{Can I change {it|that}|How do I change {it|that}|To 8080?}", "Yes, with `--port`, for example `--port 8080`.")],
}  # fmt: skip


def next_question(chat: Chat) -> Turn | None:
    """A question about the topic just explained."""
    last = chat.last
    if last is None or last.skill != "guide" or last.topic not in NEXT:
        return None
    ask, said = chat.rng.choice(NEXT[last.topic])
    text = chat.say(said)
    return Turn(chat.type(ask), Reply(text, word=text.split()[0].strip(".,:") + ".", verse="guide"), "guide", last.topic, why=last.why, more=last.more)  # fmt: skip


def ordinal(chat: Chat) -> Turn | None:
    """ "And the second one?", after a comparison of two things."""
    last = chat.last
    if last is None or "first" not in chat.notes or last.topic != chat.notes.get("second"):
        return None
    which = chat.rng.choice(("first", "second"))
    topic = guide.BY_KEY[chat.notes[which]]
    other = {"first": "{first|former}", "second": "{second|latter|other}"}[which]
    user = chat.type("{And|What about|What is|Tell me more about|Explain|How about} the " + other + " one{?|}{| again?}")  # fmt: skip
    return Turn(user, guide.answer(chat, topic), "guide", topic.key, why=topic.why or guide.WHY, more=topic.core)  # fmt: skip


def confused(chat: Chat) -> Turn | None:
    """ "I don't get it", after a joke; "really?", "are you sure?", after a statement."""
    last = chat.last
    if last is None or last.reply.plain:
        return None
    if last.skill == "joke":
        user = chat.type("{I don't get it|I don't understand the joke|Huh|What|Explain the joke|That's not funny|Why is that funny|Not funny|Is that a joke}{?|.|}")  # fmt: skip
        text = chat.say("{It's a play on words|It's a pun|It's only wordplay}: {say it aloud and it sounds like another word|llama jokes are like that|they get worse when explained}. {Shall I try another one?|I can tell a better one.|}")  # fmt: skip
        return Turn(user, Reply(text.strip(), word="Pun.", verse="happy"), "joke", "joke")
    if last.skill in ("outside", "guide-unknown") or last.topic == "decline":
        user = chat.type("{Are you sure{ you don't know| you can't|}|You really don't know|Not even a guess|Really not|Just guess|Try anyway|Please try|Are you certain|Come on, try|You must know that|Seriously, you don't know}{?|.|}")  # fmt: skip
        text = chat.say("{I'm sure|Sadly, yes|Really}: I don't know it{, and a guess would not help you|}. {A larger model would know|Try a larger model}, for example with `--model 7b`.")  # fmt: skip
        return Turn(user, Reply(text, word="Sorry.", verse="decline"), "outside", "outside", why=last.why)  # fmt: skip
    if last.skill == "thanks":
        user = chat.type("{No really, |Really, |I mean it, |And again, |Truly, |Seriously, |}{thank you|thanks|thank you so much|thanks again|you helped a lot}{!|.|}")  # fmt: skip
        text = chat.say("{You're very welcome|It was my pleasure|Any time|Happy to help, really}! {You are kind.|That's nice of you to say.|Just ask again.|}").strip()  # fmt: skip
        return Turn(user, Reply(text, word="Welcome!", verse="thanks"), "thanks", "again")
    if last.skill not in ("guide", "llama", "identity", "sums"):
        return None
    user = chat.type("{Really|Are you sure|Is that {true|right|so}|Sure|Seriously|No way|Is that correct|You're sure}{?|}")  # fmt: skip
    text = chat.say("{Yes, as far as I know.|Yes, that much I know.|Yes, I'm quite sure about that one.|That is what I learned, yes.} {But I'm small, so check what matters.||The README says more.|}".replace("The README says more.", "I learned it well."))  # fmt: skip
    return Turn(
        user, Reply(text.strip(), word="Yes."), "follow", "sure", why=last.why, more=last.more
    )


def name_again(chat: Chat) -> Turn | None:
    """ "Sorry, what was your name again?", some time later."""
    if len(chat.turns) < 2:
        return None
    turn = identity.name(chat)
    turn.user = chat.type("{And|Sorry,|Ok,|By the way,|Oh,} what {is|was} your name{ again|}?|{And who are you again|Who are you, again|What's your name again|Remind me of your name|Tell me your name once more}{?|}")  # fmt: skip
    return turn


def again(chat: Chat) -> Turn | None:
    """Say the last reply once more."""
    last = chat.last
    if last is None or len(last.said) > 400:
        return None
    user = chat.type("{Say that again|Can you repeat that|Repeat that|Pardon|Come again|What did you {just |}say|Say it again|Once more|Could you repeat that|Sorry, what|Repeat your last {message|reply|answer}}{?|, please|.|}")  # fmt: skip
    return Turn(
        user, Reply(last.said, plain=True), "follow", last.topic, why=last.why, more=last.more
    )


def asked(chat: Chat) -> Turn | None:
    """ "What did I just ask?" """
    last = chat.last
    if last is None or len(last.user) > 160 or "\n" in last.user:
        return None
    user = chat.type("{What did I {just |}{ask|say|write|type}{| you}|What was my {last|previous} {question|message}|Do you remember what I {just |}{asked|said}|Repeat my {last |}{question|message}|What was my question{| again}|What have I just {asked|said}}{?|}")  # fmt: skip
    quote = last.user.strip()
    text = chat.say("{You {asked|said|wrote}|You just {asked|said|wrote}|Your last message was|It was}: ") + f'"{quote}"'  # fmt: skip
    return Turn(
        user, Reply(text, word="Remembered.", verse="memory", short=text), "follow", "asked"
    )


def first_asked(chat: Chat) -> Turn | None:
    """ "What was my first question?" """
    if len(chat.turns) < 2 or len(chat.turns[0].user) > 160:
        return None
    user = chat.type("{What was my first {question|message}|What did I {ask|say} first|What was the first thing I {said|asked|wrote}|How did {this|our} chat {start|begin}}{?|}")  # fmt: skip
    text = chat.say("{You {first |}{asked|said|wrote}|Your first message was|It began with}: ") + f'"{chat.turns[0].user.strip()}"'  # fmt: skip
    return Turn(
        user, Reply(text, word="Remembered.", verse="memory", short=text), "follow", "asked"
    )


def echo(chat: Chat) -> Turn:
    """Repeat something word for word."""
    rng = chat.rng
    roll = rng.random()
    if roll < 0.3:
        what = words.phrase(rng)
    else:
        what = words.soup(rng, rng.choice((1, 2, 3, 4, 6, 8)))
        if rng.random() < 0.3:
            what = what[0].upper() + what[1:] + rng.choice((".", "!", "?", ""))
    lead = rng.choice(("Repeat after me: ", "Say ", "Say: ", "Please say ", "Repeat: ", "Can you say ", "say ", "repeat after me: ", "Just say ", "Write ", "Repeat these words: ", "Repeat exactly: ", "Echo: ", "Echo this: ", "Repeat the words: ", "Say these words: ", "Repeat the following: ", "Copy this: ", "Say the following: ", "say back to me: ", "Echo back: ", "Say the words ", "Repeat the sentence: ", "Please repeat: ",  "Say exactly: ", "Echo "))  # fmt: skip
    quoted = rng.random() < 0.4
    user = lead + (f'"{what}"' if quoted else what)
    return Turn(user, Reply(what, word=what, plain=True), "follow", "echo")


_OFFERED = "{Yes|Yes please|Yes, please|Sure|Ok|Okay|Yeah|Yep|Of course|Why not|Please do|I'd love that|yes|Go ahead|Gladly}{!|.|}"
_REFUSED = "{No|No thanks|No, thank you|Nope|Not now|Not really|No thank you|Maybe later|nah|Rather not}{.|!|}"
_FAVOURITES = {"opinion-1": "colour", "opinion-2": "food", "opinion-3": "animal"}


def answers(chat: Chat) -> Turn | None:
    """The user answers a question with which the last reply ended."""
    last = chat.last
    if last is None or not last.said.rstrip().endswith("?"):
        return None
    question = re.split(r"(?<=[.!?])\s", last.said.strip())[-1].lower()
    if last.skill == "memory" and last.topic in memory.FACTS and ("what is it" in question or "what are they" in question or "tell me" in question):  # fmt: skip
        return memory.answer(chat, last.topic)
    if last.topic in _FAVOURITES and ("yours" in question or "your favourite" in question or "do you like" in question):  # fmt: skip
        return memory.answer(chat, _FAVOURITES[last.topic])
    if "call you" in question or "your name" in question or (last.topic == "name" and "what is it" in question):  # fmt: skip
        return memory.answer_name(chat) if not chat.user_name else None
    if re.search(r"how are you|how about you|and you\?|how is your day", question):
        return play(chat, chat.rng.choice(smalltalk.MOODS[1:11]), "mood")
    if chat.chance(0.25):
        text = "{All right|No problem|That's fine|Okay}. {What would you like to do instead?|Just say if you need something.|What shall we talk about?|I'm here if you want something.}"  # fmt: skip
        return Turn(chat.type(_REFUSED, filler=False), Reply(chat.say(text), word="Okay."), "follow", "no")  # fmt: skip
    if "what happened next" in question:
        turn = stories.after_story(chat)
    elif "story" in question:
        turn = stories.story(chat)
    elif "joke" in question or (last.skill == "joke" and "another" in question):
        turn = llamas.joke(chat)
    elif "another one" in question and last.skill == "story":
        turn = stories.story(chat)
    else:
        text = "{Good|Great|Lovely}! {Tell me more.|I'm listening.|What would you like to know?|What shall it be?|Ask me anything small.}"  # fmt: skip
        turn = Turn("", Reply(chat.say(text), word="Good!"), "follow", "yes")
    if turn is not None:
        turn.user = chat.type(_OFFERED, filler=False)
        if turn.skill == "story":
            # Nothing was asked for, so the story is about a llama.
            stories.retell(chat, turn)
    return turn
