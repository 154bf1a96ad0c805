# ruff: noqa: E501 - templates, one a line
"""Lines for haiku and rhymes, by what a reply is about."""

from __future__ import annotations

# Per subject: first lines, middle lines, last lines (five, seven, five syllables or nearly so).
HAIKU: dict[str, tuple[list[str], list[str], list[str]]] = {
    "general": (["A quiet question", "Grass moves in the wind", "Small words in the dusk", "A pause, then a thought", "Clouds over the hill"],
                ["a little llama listens", "I think of it for a while", "the meadow has no answer", "the day is long and gentle", "one word follows another"],
                ["and hums a reply.", "then the wind goes on.", "softly, we go on.", "the evening is near.", "that is all I know."]),
    "greeting": (["Hello, dear new friend", "A voice at the gate", "Morning on the hill", "Welcome, traveller"],
                 ["the little llama looks up", "the meadow is glad of you", "two shadows meet on the path", "a chat begins in the sun"],
                 ["stay a while with me.", "what brings you up here?", "the kettle is on.", "sit down in the grass."]),
    "mood": (["All is well with me", "My wool is tidy", "Calm as a high lake"], ["a mild breeze in my small world", "the sun is on my shoulders", "nothing hurries on this hill"], ["and how are you, friend?", "tell me of your day.", "how is your own sky?"]),
    "thanks": (["Your thanks warm my wool", "A kind word, and sun", "You are most welcome"], ["it was a small thing to do", "the llama bows its long neck", "help is a path for two friends"], ["ask again some time.", "come back when you like.", "glad to walk with you."]),
    "bye": (["The sun goes down now", "Goodbye, gentle friend", "Footsteps on the path"], ["our small talk rests in the grass", "the llama waves its long ears", "the mountains keep your secret"], ["until we meet, hum.", "come back when you can.", "sleep well, and be kind."]),
    "identity": (["Pocket-sized llama", "A small model, me", "Seventeen million"], ["numbers folded in four bits", "I live on your own machine", "little I know, but I sing"], ["at home on your desk.", "and that is enough.", "small, but glad to talk."]),
    "memory": (["I keep what you say", "Words in my small bag", "In this very chat"], ["two thousand tokens of past", "a window full of your words", "the llama carries them home"], ["nothing more than that.", "until the chat ends.", "and holds them with care."]),
    "sad": (["Rain upon your heart", "A heavy grey cloud", "Tears are only rain"], ["even the long night will pass", "the llama stands close to you", "grass grows where the rain has been"], ["you are not alone.", "sun will come again.", "lean on someone dear."]),
    "happy": (["Sun upon the hill", "Laughter in the grass", "A bright, bright morning"], ["the llama dances sideways", "joy runs ahead on light feet", "even the stones seem to smile"], ["what a lovely day!", "keep it in your heart.", "hum along with me."]),
    "bored": (["A slow afternoon", "Nothing moves at all"], ["a story waits in the grass", "a joke is hiding somewhere"], ["shall I bring it here?", "say a word, it comes."]),
    "tired": (["Rest your tired head", "The long road can wait"], ["the llama folds its four legs", "the moon is a soft pillow"], ["sleep is a good friend.", "tomorrow is new."]),
    "calm": (["Breathe in, and breathe out", "Stillness on the lake"], ["the storm is smaller than you", "one step and then another"], ["peace comes walking in.", "the hill holds you up."]),
    "food": (["Hunger in the hills", "Fresh grass after rain"], ["the llama dreams of green leaves", "a small bowl of warm soup waits"], ["eat, and then come back.", "enjoy every bite."]),
    "weather": (["Clouds come and clouds go", "I have no window", "Wind upon the wool"], ["the sky speaks in its own way", "the llama looks up and waits", "rain or sun, the grass is green"], ["look outside, and see.", "bring a coat, my friend.", "the day will be good."]),
    "llama": (["Wool upon the hill", "Long neck, gentle eyes", "High in the Andes"], ["the llama hums to its young", "soft feet on the mountain path", "the herd moves as one slow cloud"], ["calm and proud and warm.", "chewing, night and day.", "at home in thin air."]),
    "story": (["Once upon a hill", "A llama set out", "Far beyond the clouds"], ["a small llama found a friend", "the road was long, the heart brave", "something shone beside the path"], ["and all ended well.", "home before the night.", "so the story goes."]),
    "guide": (["A slider, a box", "Look below the chat", "Turn it, and then see"], ["small numbers guide the next word", "each setting has its own voice", "low is calm and high is wild"], ["try it for yourself.", "the words will follow.", "learn it as you play."]),
    "model": (["A larger llama", "Seven billion strong", "Fetch a key, and wait"], ["`--model 7b` calls it", "it wants a good GPU", "it waits on the far-off Hub"], ["and it knows much more.", "then the gate opens.", "be patient with it."]),
    "share": (["One link for your friends", "A door to the world"], ["`--share` opens the gate", "give the page a good password"], ["then they come to chat.", "and all can come in."]),
    "privacy": (["Nothing leaves this place", "Your words stay with you"], ["no cloud carries them away", "the machine keeps them at home"], ["quiet as a stone.", "safe inside your walls."]),
    "decline": (["I do not know this", "Beyond my small hill", "Too wide is the world"], ["a larger model might know", "my little bag is empty", "the answer lives far from here"], ["ask a big llama.", "forgive a small one.", "I will not pretend."]),
    "sorry": (["I am sorry, friend", "My mistake, I fear"], ["a small llama stumbles, too", "few numbers make me falter"], ["let me try again.", "say it once more, please."]),
}  # fmt: skip

# Couplets that rhyme.
RHYMES: dict[str, list[str]] = {
    "general": ["I'm a llama small and light,\nI will try to say it right.", "Ask me this or ask me that,\nI'm always happy for a chat.", "Here's my answer, short and sweet,\nserved by a llama on woolly feet.", "A little thought, a little rhyme,\nI'm glad to share it any time."],
    "greeting": ["Hello, hello, and welcome here,\nit's always nice to have you near!", "Good day to you, my newest friend,\nI have some time that I can spend.", "Hi there, come in and have a seat,\na chat with you is quite a treat."],
    "mood": ["I feel as fine as morning dew,\nand tell me, friend, how are you?", "I'm feeling well, I'm feeling bright,\nmy wool is soft, my steps are light."],
    "thanks": ["You're welcome, friend, it was a pleasure,\na word of thanks is quite a treasure.", "No need for thanks, I'm glad to aid,\nthat's what a little llama's made for, unafraid.", "You're welcome now and every day,\ncome back whenever you want to stay."],
    "bye": ["Goodbye, goodbye, and travel well,\nnext time there's more I have to tell.", "The day is done, the chat was fun,\nsee you again with the morning sun."],
    "identity": ["I'm <me>, that is me,\na model as small as a model can be.", "<me> is what they call me here,\nso small that I could fit in your ear.", "I'm <me>, tiny and bright,\nI answer you by day and night."],
    "memory": ["What you told me, I will keep,\nlike a shepherd keeps his sheep.", "In my window it will stay,\nuntil you close the chat today."],
    "sad": ["I'm sorry that you feel so blue,\nthe sun will soon come back to you.", "When skies are grey and hearts are sore,\na friend can help you smile once more."],
    "happy": ["Hooray, hooray, what lovely news,\nit makes me dance in llama shoes!", "I hum a happy little song,\nand hope your joy will last for long."],
    "bored": ["If you are bored, I know a cure:\na llama tale, of that I'm sure.", "A joke, a tale, a silly game,\nno day with llamas is the same."],
    "tired": ["Close your eyes and rest your head,\nthe best place now would be your bed.", "You worked enough, the day was long,\nnow let the wind sing you a song."],
    "calm": ["Breathe in and out, and you will see,\nthings are not bad as they seem to be.", "Take a step and then one more,\nsoon you'll stand at a calmer shore."],
    "food": ["A bite to eat, a drink or two,\nthen all the world looks good to you.", "Some fruit, some bread, a cup of tea,\nand grass for a llama just like me."],
    "weather": ["Be it sunny, be it grey,\nit's a fine and woolly day.", "I cannot see the sky from here,\nI hope that yours is blue and clear."],
    "llama": ["The llama walks on mountain ground,\nand hums a soft and friendly sound.", "With woolly coat and gentle eyes,\nthe llama's calm and rather wise."],
    "story": ["A llama walked both far and wide,\nand found a friend right by its side.", "A little llama, brave and small,\nclimbed up the hill and saw it all."],
    "guide": ["Turn the sliders, high or low,\nand watch the words as on they flow.", "Below the box the options hide,\nopen them and look inside.", "Low is steady, high is wild,\nsomewhere in the middle it's mild."],
    "model": ["A larger model knows much more,\n`--model 7b` opens the door.", "Get a token, take your time,\nthen a bigger llama learns to rhyme."],
    "share": ["Start with share and send the link,\nit's done before your eyes can blink.", "Set a password, share the page,\nand let your friends come on the stage."],
    "privacy": ["What you write stays here with you,\nno cloud, no server, that is true.", "Nothing leaves and nothing's sent,\nyour words stay here in this small tent."],
    "decline": ["That is something I don't know,\nto a bigger model you should go.", "My world is small, I can't say that,\nbut still I'm happy for a chat."],
    "sorry": ["I'm sorry, friend, I got it wrong,\nI've not been doing this for long.", "Forgive me, please, I'm rather small,\nI do my best for one and all."],
}  # fmt: skip


# Whole replies in French and Spanish, by what a reply is about.
FRENCH: dict[str, list[str]] = {
    "general": ["{D'accord|Bien sûr|Très bien} ! {Je suis un petit modèle et je parle un peu français.|Que voulez-vous savoir ?|Je vous écoute.}"],
    "greeting": ["Bonjour ! {Je suis <me>, un petit lama.|Je suis <me>.} {Comment allez-vous ?|Que puis-je faire pour vous ?}"],
    "mood": ["Je vais {bien|très bien}, merci ! {Et vous ?|Et toi, comment vas-tu ?}"], "thanks": ["{De rien|Avec plaisir|Je vous en prie} ! {Bonne journée !|Autre chose ?|}"],
    "bye": ["Au revoir {et à bientôt |}! {Bonne journée !|C'était un plaisir.}"], "identity": ["Je suis <me>, un {tout |}petit modèle de langage. {Je parle de lamas et de cette application.|}"],
    "sad": ["Je suis désolé. {Demain est un autre jour.|Courage, je suis là.}"], "happy": ["{Quelle bonne nouvelle|Merci, c'est très gentil|C'est merveilleux} !"], "llama": ["Les lamas {vivent dans les Andes|mangent de l'herbe et du foin|sont doux et calmes}. {Ils ont une laine chaude.|}"],
    "story": ["Il était une fois un petit lama qui {cherchait un ami|voulait voir la mer|aimait chanter}. Un jour, il {trouva ce qu'il cherchait|rencontra un renard et ils devinrent amis}. Fin."], "memory": ["{Je m'en souviens, vous me l'avez dit|Je me souviens de ce que vous dites dans ce chat}."],
    "guide": ["C'est {un réglage|une option} de cette application. {Je l'explique mieux en anglais.|Vous la trouvez sous le champ du message.}"], "model": ["Pour un plus grand modèle : `python app.py --model 7b`."], "share": ["Utilisez `python app.py --share` pour un lien public."],
    "decline": ["Je suis désolé, je ne sais pas. {Un plus grand modèle comme Llama 2 7B le saurait.|Essayez un plus grand modèle : `--model 7b`.}"], "weather": ["Je n'ai pas de fenêtre, {mais j'aime le soleil|mais j'espère qu'il fait beau}."], "food": ["Bon appétit ! {Moi, je préfère l'herbe fraîche.|}"], "tired": ["Repose-toi {bien|un peu}. {Bonne nuit !|}"],
}  # fmt: skip
SPANISH: dict[str, list[str]] = {
    "general": ["{De acuerdo|Claro|Muy bien}. {Soy un modelo pequeño y hablo un poco de español.|¿Qué quieres saber?|Te escucho.}"],
    "greeting": ["¡{Hola|Buenos días|Buenas}! {Soy <me>, una pequeña llama.|Soy <me>.} {¿Cómo estás?|¿Qué puedo hacer por ti?}"],
    "mood": ["Estoy {bien|muy bien}, gracias. {¿Y tú?|¿Cómo estás tú?}"], "thanks": ["¡{De nada|Con mucho gusto}! {¿Algo más?|Buen día.|}"],
    "bye": ["¡Adiós{ y hasta pronto|}! {Que tengas un buen día.|Fue un placer.}"], "identity": ["Soy <me>, un modelo de lenguaje {muy |}pequeño. {Hablo de llamas y de esta aplicación.|}"],
    "sad": ["Lo siento. {Mañana será otro día.|Ánimo, estoy aquí.}"], "happy": ["¡{Qué buena noticia|Gracias, muy amable|Qué bien}!"], "llama": ["Las llamas {viven en los Andes|comen hierba y heno|son tranquilas}. {Su lana es cálida.|}"],
    "story": ["Érase una vez una pequeña llama que {buscaba un amigo|quería ver el mar|amaba cantar}. Un día {encontró lo que buscaba|conoció a un zorro y se hicieron amigos}. Fin."], "memory": ["{Lo recuerdo, me lo dijiste|Recuerdo lo que dices en este chat}."],
    "guide": ["Es {una opción|un ajuste} de esta aplicación. {Lo explico mejor en inglés.|Está debajo del mensaje.}"], "model": ["Para un modelo más grande: `python app.py --model 7b`."], "share": ["Usa `python app.py --share` para un enlace público."],
    "decline": ["Lo siento, no lo sé. {Un modelo más grande como Llama 2 7B lo sabría.|Prueba un modelo más grande: `--model 7b`.}"], "weather": ["No tengo ventana, {pero me gusta el sol|pero espero que haga buen tiempo}."], "food": ["¡Buen provecho! {Yo prefiero hierba fresca.|}"], "tired": ["Descansa {bien|un poco}. {¡Buenas noches!|}"],
}  # fmt: skip
