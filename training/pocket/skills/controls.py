# ruff: noqa: E501 - templates, one a line
"""Every control, flag and key of the application, one row each; guide.py plays them.

To teach the model a new control, add a row and train again: the names people use for it (divided
by |), what it is in one sentence, further sentences, the answer in one word, and questions whose
answer it is. All are templates (grammar.py).
"""

from __future__ import annotations

from .guide_facts import Topic


def _rows(*rows: tuple[str, ...]) -> list[Topic]:
    """(names, one sentence, more, one word, questions) as topics."""
    topics = []
    for names, core, more, word, *asks in rows:
        first = names.split("|")[0]
        key = "control " + first.removeprefix("the ").strip("`").lower()
        topics.append(
            Topic(key, names, core, [more] if more else [], word, asks[0] if asks else "")
        )
    return topics


# --- the page ---------------------------------------------------------------------------------
PAGE = _rows(
    ("Continue|the Continue button|continue button|the continue option",
     "Continue {goes on with|lets the model finish} a reply that was cut off by max new tokens or by Stop.",
     "{It writes on from the last word, in the same reply.|Nothing that is there gets lost.}", "Onward.",
     "{How do I|Can I|How can I} {continue|finish|go on with|complete|resume} {a|the|my} {reply|answer|cut reply|stopped reply|reply that was cut off|unfinished answer}?|{The reply was cut off, {what now|how do I get the rest}|How do I get the rest of the reply|The answer is incomplete}{?|}"),
    ("Edit|the Edit button|editing|editing a message|the pencil",
     "With Edit you {change|rewrite} a message: changing your own message {starts a new branch|asks again from there}, and a reply can be corrected in place.",
     "{The earlier version is kept as a branch.|Arrow-up in an empty message box edits your last message.}", "Rewrite.",
     "{How do I|Can I|How can I|Is it possible to} {edit|change|rewrite|correct|fix|modify} {my {message|question|last message}|a message|what I wrote|an earlier message|a typo in my message|the reply|a reply|what you said}?"),
    ("versions|the versions|reply versions|the < 2/3 >|< 2/3 >|< 1/2 > under a message|the arrows under a reply|the numbers like 2/3",
     "< 2/3 > under a message {means that you see|says that this is} version 2 of 3: the arrows {go|switch} between the versions{ of the reply|}.",
     "{Retry and Edit make new versions, and the earlier ones are kept.|You can go on from any of them.|A click on the left arrow shows the earlier one again.}", "Versions.",
     "{How do I {get|see|go back to} {the {earlier|previous|old|first|other} {reply|version|answer}|an earlier version}|Where did the {old|earlier|first} {reply|answer} go|What do the {arrows|numbers} under {a|the} {reply|message} mean|Is the old reply lost{ after Retry|}|Can I go back to an earlier version}?"),
    ("a branch|branches|branching|chat branches",
     "A branch is {another way that the chat went|a second path of the same chat}: it begins {when you|where you} edit a message or go on from another version of a reply.",
     "{All branches are kept, and the arrows < 1/2 > lead from one to the other.|Nothing is overwritten.}", "Path.",
     "{Can I try another path|How do I branch|Can I go on from an earlier {message|reply}|How do I fork the chat}?"),
    ("Copy|the copy button|copying a message|copy a reply", "Copy puts {one message|the text of one message} {on|into} your clipboard{, exactly as it was written|}.",
     "{Each code block has its own copy button.|Copy all takes the whole chat.}", "Clipboard.", "{How do I|Can I|How can I} copy {a|one|the} {message|reply|answer|code block}?"),
    ("copy all|Copy all|the copy all button|copying everything", "Copy all puts the {whole|entire} chat {on|into} your clipboard{ as text|}.",
     "{Paste it where you like.|To keep it in a file, use export.}", "Everything.", "{How do I|Can I|How can I} copy {the {whole|entire|full} {chat|conversation}|everything|all {messages|of it}}?"),
    ("New chat|the New chat button|a new chat|new chat", "New chat {opens|starts} {a fresh, empty chat|an empty chat}; the {old|present} one stays {saved |}in the sidebar.",
     "{The key for it is Ctrl+Shift+O.|Its options begin with the defaults.}", "Fresh.", "{How do I|Can I|How can I} {start|open|begin|make|have} {a|another} new {chat|conversation}{| without losing this one}?"),
    ("saved chats|the saved chats|my saved chats|the sidebar|chat history|the list of chats|old chats",
     "The sidebar {lists|holds} your saved chats, {newest first|the newest at the top}; they are kept only in this browser.",
     "{There you can search, rename and delete them.|A restart of the server loses nothing.|Another browser or computer does not see them: use export and import.|Each is titled by its first words.}", "Browser.",
     "{Where {are|do I find|can I find} {my {old |saved |earlier |previous |}{chats|conversations}|my chat history|earlier chats|yesterday's chat}|Are my chats saved|Where are {my |}chats {saved|stored|kept}|How do I {save|open|find} {a|an old|an earlier} {chat|conversation}|How do I get back to an {old|earlier} chat|Do I have to save my chat|Are my conversations kept|Is my chat saved on {a|the} server}?"),
    ("search|the search box|chat search|the chat search|searching chats", "The search box in the sidebar {finds|looks through} your saved chats{ by their words|}.",
     "{Type a word, and only the chats that hold it are listed.|It searches in this browser only.}", "Find.", "{How do I|Can I|How can I} {search|look through|find something in} {my|the} {chats|old chats|saved chats|conversations|history}?"),
    ("rename|renaming a chat|the rename button|the chat title|renaming", "Rename gives a saved chat {another title|a new name}{ in the sidebar|}.", "{At first a chat is titled by its first words.|The chat itself does not change.}", "Title.",
     "{How do I|Can I|How can I} {rename|change the {name|title} of|give a {name|title} to} {a|my|this|a saved} {chat|conversation}?"),
    ("delete|the delete button|deleting a chat|deleting|delete in the sidebar", "Delete removes a saved chat from the sidebar{, and|;} you can undo {it|that} {right after|for a moment}.", "{It's gone from this browser then.|There is no copy on the server.|To keep it elsewhere, export it first.}", "Gone.",
     "{How do I|Can I|How can I} {delete|remove|throw away} {a|one|an old|a saved} {saved |}{chat|conversation}{| from the sidebar| from the list}?|{I deleted {a|the wrong} chat {by mistake|accidentally}|Can I get a deleted chat back|I deleted my chat, can I undo that}{?|.|}"),
    ("export|the export button|exporting|exporting chats|the export", "Export saves {one chat or all of them|your chats} as a file: JSON {to import again|for importing again}, or Markdown to read.",
     "{JSON keeps everything, versions and options included.|Markdown is the one to read or print.|It's the way to take chats to another computer.}", "File.",
     "{How do I|Can I|How can I} {export|download|back up|save} {a chat|my chats|this chat|the conversation|all {my |}chats|this|the chat as a file|my chats as {JSON|Markdown|a file}}?|{How do I make a backup|How do I get my chat as a file|Which export formats are there|What formats can I export|How can I keep a copy of my chat|How do I move my chats to another {browser|computer}}?"),
    ("import|the import button|importing|importing chats|the import", "Import {reads|brings back} chats from an exported JSON file{ into this browser|}.",
     "{Nothing is lost on the way: versions and options come back too.|Markdown files are only for reading and can't be imported.}", "Back.", "{How do I|Can I|How can I} {import|load|restore|bring back|upload} {a chat|my chats|an exported chat|chats|a backup|an exported file}?"),
    ("the system prompt presets|system prompt presets|the presets for the system prompt|the prompt presets|the menu of system prompts|persona presets",
     "The system prompt presets are {ready-made|prepared} system prompts: {helpful, pirate, JSON only, French, tutor and terse|such as helpful, pirate, JSON only, French, tutor or terse}.",
     "{Choose one from the menu and change it as you like.|You can save your own, too: they stay in this browser.}", "Ready-made.",
     "{Which system prompts {are there|can I choose}|Are there ready-made {system prompts|personas}|Can I save my own system prompt|How do I save a system prompt|Do you have example system prompts}?"),
    ("Remember|the Remember option|the Remember setting|remember the last exchanges|Remember last N|the memory option",
     "Remember sets how many of the last exchanges the model {gets to see|sees}; {by default|without it} all that fit.",
     "{A small number keeps it quick and to the point.|What is older stays on the page but is not sent.}", "Exchanges.",
     "{How do I|Can I|How can I} {limit|set|reduce|shorten} {how {much|many messages} {you|the model} {remember|see|remembers|sees}|the memory|the history}?|{Can it remember only the last {few|2|3|5|ten} {exchanges|messages|turns}|How do I make it forget {old|older|earlier} messages}?"),
    ("Reminder|the Reminder|the Reminder option|a reminder|the reminder box", "The Reminder is a {short |}text that is repeated with each of your messages, because Llama 2 forgets its instructions after a few turns.",
     "{For example: \"Answer in JSON.\"|You find it under Advanced options.|It's sent along but not shown in your message.}", "Repetition.",
     "{Why does {it|the model|Llama 2} forget {its instructions|the system prompt|its role|how to behave}|{It|The model|Llama 2} {forgets|ignores|drops} {the system prompt|its role|the persona|the instructions|its manner} after {a while|some turns|a few messages}{, what can I do|}|How do I keep {it|the model} in {its role|character}|How do I repeat an instruction each time}{?|}"),
    ("stop words|the stop words|Stop words|the stop words option|stop sequences|a stop word", "Stop words end a reply {as soon as|at the moment when} one of them {would appear|is written}.",
     "{The stop word itself is not shown.|You find them under Advanced options.|Leave the box empty to have none.}", "Ending.",
     "{How do I|Can I|How can I} {make it stop|stop a reply|end a reply|let it stop} {at|before|after} a {certain|given|particular} {word|text|phrase}?"),
    ("the sampling presets|sampling presets|the presets|presets|the preset menu|Precise, Balanced and Creative", "The sampling presets set temperature, top_p and top_k together: Precise, Balanced or Creative.",
     "{Precise is for facts, Creative for stories, Balanced for everything else.|You can still move each slider afterwards.}", "Three.",
     "{Which preset should I {use|choose|take}|What presets are there|Is there a quick way to set the sliders|Which preset is {good|best} for {stories|facts|code|ideas|everyday use}}?"),
    ("Precise|the Precise preset|precise mode|the preset Precise", "Precise is the sampling preset with a low temperature: {steady, predictable replies|predictable and careful replies}.", "{Use it for facts and code.|It's one of three: Precise, Balanced, Creative.}", "Steady."),
    ("Balanced|the Balanced preset|balanced mode|the preset Balanced", "Balanced is the {middle|default} sampling preset: {a mix of steady and varied, for everyday use|between Precise and Creative, for everyday use}.", "{It's what the page opens with.|Its temperature is in the middle.}", "Middle."),
    ("Creative|the Creative preset|creative mode|the preset Creative", "Creative is the sampling preset with a high temperature: {varied, surprising replies|more surprising and varied replies}.", "{Use it for stories and ideas.|If it gets too wild, go back to Balanced.}", "Wild."),
    ("Reset|the Reset button|reset|reset options", "Reset {puts|sets} all options back to their defaults.", "{Your chats and messages stay.|It's at the end of the Advanced options.}", "Defaults.",
     "{How do I|Can I|How can I} {reset|restore|undo all changes to} {the |my |all |}{settings|options|sliders|defaults}?|{How do I get the defaults back|How do I get back to the default {settings|options}|I messed up the {settings|sliders}, what now}?"),
    ("Send|the Send button|sending a message|send", "Send {gives|hands} your message to the model{; the Enter key does the same|, and so does the Enter key}.", "{While a reply is running it turns into Stop.|Shift+Enter makes a new line instead.}", "Go."),
    ("Enter|the Enter key|the return key|pressing Enter", "Enter sends your message.", "{For a new line use Shift+Enter.|It does the same as the Send button.}", "Send."),
    ("Shift+Enter|shift enter|Shift and Enter|shift-enter", "Shift+Enter {makes|starts} a new line in {your|the} message{ without sending it|}.", "{Enter alone sends it.|So you can write several lines.}", "Newline."),
    ("Esc|the Esc key|Escape|the escape key", "Esc stops the reply that is being written{; the text so far stays|}.", "{It does the same as the Stop button.|What was written is kept.}", "Stop."),
    ("the arrow-up key|arrow up|arrow-up|the up arrow|the up key", "Arrow-up in an empty message box {edits|opens for editing} your last message.", "{Change it and press Enter: the chat branches there.|Esc leaves it as it was.}", "Edit.", "{Is there a key to edit {my|the} last message|How do I quickly edit my last message|Which key edits the last message}?"),
    ("Ctrl+Shift+O|ctrl shift o|control shift O|the shortcut for a new chat", "Ctrl+Shift+O {opens|starts} a new chat.", "{The old one stays in the sidebar.|It does the same as the New chat button.}", "New.", "{What is the {shortcut|key|hotkey} for a new chat|Which keys open a new chat}?"),
    ("dark mode|the dark theme|light and dark|the theme", "The page {follows your system|takes its theme from your system or browser}: light or dark.", "{Both are readable with good contrast.|Change it in the settings of your system.}", "Dark.", "{Is there a dark {mode|theme}|How do I {switch to|get|turn on} dark mode|Can I have it dark}?"),
    ("Markdown|formatting|markdown|code highlighting", "Replies are shown with Markdown: code with highlighting and a copy button, tables and formulas; {HTML stays plain text|HTML is shown as text and never run}.", "{What you type is kept exactly as it is.|A code block has its own copy button.}", "Formatting.", "{Can you {show|write} {code blocks|tables|formulas}|Does the page {show|support} {Markdown|LaTeX|tables|code highlighting}}?"),
)  # fmt: skip

# --- flags of the command line ----------------------------------------------------------------
FLAGS = _rows(
    ("--model|the model flag|`--model`", "`--model` {chooses|says} which model is loaded: pocket, 7b, 13b, 70b, a Hugging Face id or a folder.", "{Without it, Pocket Llama is loaded.|For example `python app.py --model 7b`.}", "Model.",
     "{Which flag {chooses|sets|selects|picks} the model|How do I choose the model|How do I load a {different|certain} model from the command line}?"),
    ("--system-prompt|the system-prompt flag|`--system-prompt`", "`--system-prompt` {sets|gives} the system prompt that the page opens with.", "{It's shared between visitors.|For example `--system-prompt \"You are a pirate.\"`.}", "Instructions."),
    ("7b|Llama 2 7B|7B|the 7b model|Llama-2-7b|--model 7b", "Llama 2 7B is Meta's {smallest |}Llama 2 chat model, with 7 billion parameters; start it with `python app.py --model 7b`.", "{It needs a GPU with 6 GB or more.|In 4-bit it takes about 4 GB.|Accept Meta's licence on Hugging Face first.}", "Seven."),
    ("13b|Llama 2 13B|13B|the 13b model|Llama-2-13b", "Llama 2 13B is Meta's middle Llama 2 chat model, with 13 billion parameters; start it with `python app.py --model 13b`.", "{It needs a GPU with 10 to 12 GB.|In 4-bit it takes about 7 GB.|It knows more than 7B, but it's slower.}", "Thirteen."),
    ("70b|Llama 2 70B|70B|the 70b model|Llama-2-70b", "Llama 2 70B is Meta's largest Llama 2 chat model, with 70 billion parameters; start it with `python app.py --model 70b`.", "{It needs 48 GB of GPU memory, or two GPUs with 24 GB.|In 4-bit it takes about 36 GB.|It's the best of the three and the slowest.}", "Seventy."),
    ("--slots|the slots flag|`--slots`|slots", "`--slots` sets how many replies run at once; {without it 4 on a CPU|the default is 4 on a CPU}, and what fits on a GPU.", "{More slots need more memory.|Further requests wait in line.}", "Parallel.",
     "{How many {people|users|visitors} can {use it|chat} at {once|the same time}|How many replies {run|can run} at once|Can several people use it at {once|the same time}|Can more than one person chat}?"),
    ("--max-waiting|the max-waiting flag|`--max-waiting`|the waiting line|the queue", "`--max-waiting` sets how many requests may wait in line; more are refused. The default is 32.", "{Who waits sees the place in line.|See `--slots` for how many run at once.}", "Queue.",
     "{What happens {when|if} too many people {ask|chat|use it}{| at once}|Is there a {queue|waiting line}|How long is the {queue|line}|Why do I have to wait}?"),
    ("--browser|the browser flag|`--browser`", "`--browser` opens the page in {a|your} browser when the app is started from a terminal.", "{That is the default; `--no-browser` does not open it.|}".replace("|}", "}"), "Browser."),
    ("--no-browser|the no-browser flag|`--no-browser`", "`--no-browser` starts the app without opening {a|your} browser.", "{Handy on a server.|Open http://127.0.0.1:7860 yourself then.}", "Closed.", "{How do I stop it from opening {a|the} browser|Can it start without {a|the} browser|Don't open the browser, how}?"),
    ("--revision|the revision flag|`--revision`|the revision|a model revision", "`--revision` {chooses|loads} a certain version of a model on the Hub: a branch, a tag or a commit.", "{Without it the newest is taken.|It keeps a model from changing under your feet.}", "Version.",
     "{How do I|Can I|How can I} {load|use|get|pin} {a {certain|specific|particular|older|fixed} {version|revision|commit|branch|tag} of a model|an older model version}?"),
    ("--quantization|the quantization flag|`--quantization`|--quantization 4bit", "`--quantization` {chooses|sets} how the weights are held: 4bit, 8bit or none; 4bit is the default.", "{8bit needs twice the memory of 4bit, none four times.|A checkpoint that is quantised already keeps what it has.}", "Bits.",
     "{How do I|Can I|How can I} {turn off|switch off|disable|change|set|avoid} {the |}{quantization|4-bit|4-bit mode}?|{How do I|Can I} {load|run|use} {a|the} model {in {8-bit|8 bit|16 bit|full precision|bfloat16}|without quantization|unquantized}?"),
    ("8-bit|8bit|8 bit|8-bit quantization|--quantization 8bit", "8-bit {stores each weight in 8 bits|keeps each weight with 8 bits}: {half the memory of 16-bit, twice that of 4-bit|twice the memory of 4-bit}.", "{Use `--quantization 8bit` for it.|The quality is a bit closer to the original.}", "Bits."),
    ("--rope|the rope flag|`--rope`|RoPE scaling|rope scaling", "`--rope` {stretches|scales} the positions so that a model can use a longer context than it was trained for: linear, dynamic or yarn.", "{Use it with `--context`, for example `--context 8192 --rope dynamic`.|Without it a longer context gives nonsense.}", "Stretch.",
     "{How do I|Can I|How can I} {get|use|have|set} {a longer context{| than the model has}|more context|a context of 8192|a larger context window}?|{Can I extend the context|How do I go beyond 4096 tokens|Can Llama 2 have 8192 tokens}?"),
    ("--adapter|the adapter flag|`--adapter`|a LoRA|LoRA|a LoRA adapter|adapters|an adapter", "`--adapter` puts a LoRA adapter{, a small set of trained extra weights,|} on the loaded model{: give it a folder or a Hub id|}.", "{It must belong to the same base model.|The badge names it.|The adapter is a small add-on that changes the model's manner or knowledge.}", "LoRA.",
     "{How do I|Can I|How can I} {use|load|apply|add} {a|my|my own} {LoRA|LoRA adapter|adapter|fine-tune|peft adapter}{| here}?"),
    ("--check|the check flag|`--check`|the doctor|the check|the self-test", "`--check` is the doctor: it checks {the machine, the packages, the token and the model|GPU, memory, packages, token, access and port} and says what to do about each problem.", "{Run `python app.py --check`.|Each line says ok, or what to do next.}", "Doctor.",
     "{How do I {check|test|see|find out} {if|whether} {everything {works|is ready}|my {GPU|computer|setup|installation|token|machine} {works|is fine|is ready|is good enough}|it will run}|Something {does not|doesn't} work, {what can I do|how do I find out why}|How do I diagnose {a problem|problems|this|what's wrong}|It {fails|crashes} at start{, what now|}|Is there a {doctor|self-test|health check}}{?|}"),
    ("--json|--check --json|the json flag|`--check --json`|`--json`", "`--check --json` prints the doctor's {findings|result} as JSON, for {programs|other programs} to read.", "{The exit code is 0 if all is well, else 1.|Without `--json` it prints one line each for people.}", "Machines."),
    ("a base model|base models|completion mode|the completion mode", "A base model is not trained to chat: {it only continues a text|it continues your text as it stands}, so the page opens in completion mode{ without a chat template|}.", "{Chat models have names that end in chat or instruct.|For a chat, use `--model 7b`.}", "Completion.",
     "{Why is it in completion mode|Can I use a base model|What's the difference between a base and a chat model|Why does it just continue my text}?"),
    ("safetensors|safetensors files|the safetensors format", "Safetensors is a {safe |}file format for {weights|a model's weights}: it holds numbers only, never code.", "{Only such files are loaded here.|Pickle files are refused, since they can run code.}", "Safe."),
    ("transformers|the transformers library", "Transformers is the library from Hugging Face that loads {the models|the model and its tokenizer}.", "{The engine here runs on it, with bitsandbytes for 4-bit.|It's installed with the requirements.}", "Library."),
    ("Gradio|gradio|the Gradio library", "Gradio is the Python library that {the web page|this page} is made with.", "{It also makes the `--share` link.|Hugging Face Spaces run it as well.}", "Page."),
    ("GGUF|GGUF files|GPTQ|AWQ|gguf models", "GGUF, GPTQ and AWQ files are not loaded here: use a server that knows them and connect with `--server`.", "{Safetensors models of the Llama architecture work directly.|llama.cpp's server reads GGUF.}", "No.", "{Can I {use|load|run} {GGUF|gguf|GPTQ|AWQ} {files|models|weights}|Does it {support|read|load} {GGUF|GPTQ|AWQ}}?"),
    ("macOS|Windows|a Mac|mac and windows", "Linux is what it was tried on; macOS and Windows are not tried{, though the CPU path may work|}.", "{Python 3.10 or later is needed.|Pocket Llama needs no GPU there.}", "Untried.", "{Does {it|this} {run|work} on {a Mac|macOS|Windows|my Mac|Linux|Apple Silicon}|Which operating system{s|} {do I need|are supported|does it need}}?"),
    ("the KV cache|KV cache|a KV cache|the cache|prefix reuse|the prefix cache", "The KV cache keeps the keys and values of {the chat so far|what was read already}, so a new turn costs only what is new.", "{It takes memory that grows with the context.|That is why the second answer starts sooner.|A shared beginning is reused and not read again.}", "Cache.",
     "{Why is the second {answer|reply|turn} faster|Why does a long chat {stay|start} fast|Is the history read again each time}?"),
    ("requirements|Python versions|the Python version", "You need Python 3.10 or later; `pip install -r requirements.txt` installs the rest.", "{The packages are about 330 MB with the CPU build of torch.|A virtual environment is best.}", "Python.", "{Which|What} {Python|version of Python|Python version} {do I need|is needed|does it need}?"),
    ("the tests|pytest|running the tests|the test suite", "The tests run with `pytest` after `pip install -r requirements-dev.txt`.", "{They drive the real model and a real browser.|CONTRIBUTING.md says more.}", "pytest.", "{How do I {run|start} the tests|Are there tests}?"),
    ("app.py|starting the app|the start command|`python app.py`", "Start the app with `python app.py`, then open http://127.0.0.1:7860.", "{Without flags it loads Pocket Llama.|Add `--model 7b` for Llama 2.}", "Start!", "{How do I {start|launch|open|run} {the app|Llama UI|it|this}|What command starts {it|the app}}?"),
    ("the colours and fonts|the font size|the look of the page", "There is no option for fonts or colours: the page follows your browser{, where you can zoom|; you can zoom there}.", "{Light or dark follows your system.|Ctrl and + makes everything larger.}", "No.", "{How do I|Can I|How can I} change the {font|font size|colours|colors|text size|look}?"),
)  # fmt: skip

# --- being built: seeing the prompt, serving, tools -------------------------------------------
# These rows describe what the next versions bring; check them against the page before a release.
NEXT = _rows(
    ("the context meter|context meter|the meter|the token meter|the bar below the message box", "The context meter shows {how full the context window is|how much of the context window is used}: system prompt, history, draft and reply, in tokens.",
     "{It moves while you type.|It also says which exchanges will be dropped.}", "Meter.", "{How do I {see|know} how {full the context is|much room is left|many tokens I have used|many tokens are left}|Where do I see how many tokens are left|What is the bar with the numbers}?"),
    ("the exact prompt|exact prompt|the exact prompt panel|the prompt panel", "The exact prompt {panel shows|shows} the very text and tokens that are sent to the model, special tokens included.", "{Each part is labelled and counted.|You can copy it as text, ids or JSON.|It's there for every earlier reply, too.}", "Text.",
     "{How do I|Can I|Where can I|Where do I} see {what {is|was} sent to the model|the {real|full|exact|final|raw} prompt|what the model {sees|gets}|the special tokens|the token ids}?"),
    ("pin|pinning|the pin|pinned exchanges|pinning a message|pinning an exchange|Pin", "A pinned exchange is {kept longest|dropped last} when the context window is full.", "{Pin what the model must not forget.|Everything else is dropped before it, oldest first.}", "Keep.",
     "{How do I|Can I|How can I} {keep|pin|protect|hold on to} {an|an important|a certain|one} {exchange|message}{| in memory| in the context| when the window is full}?|{How do I make sure that {you don't|it doesn't} forget {this|something|an important message}}?"),
    ("Compare|the Compare view|comparing|compare mode|the compare view", "Compare shows one prompt in two columns, side by side, that differ in one thing, {such as the temperature or the system prompt|for example the temperature}.", "{You keep the one you like.|It's good for learning what an option does.}", "Columns.",
     "{How do I|Can I|How can I} compare {two {replies|settings|temperatures|system prompts|answers}|replies|settings|with and without the system prompt}{| side by side}?"),
    ("Replay|the Replay button|replaying|replay", "Replay runs a reply again with the same settings and seed{, to see that it comes out the same|: it should come out the same}.", "{Each reply remembers its model, options and seed.|In 4-bit on a GPU small differences are possible.}", "Again.",
     "{How do I|Can I|How can I} {replay|reproduce|run again} {a|an old|an earlier|that} reply{| exactly}?"),
    ("why this word|Why this word|the why-this-word view|\"why this word\"|token probabilities|the probabilities|the probability view", "\"Why this word\" shades each word by its probability and shows the top five alternatives{ when you point at it|}.", "{Click an alternative and the reply goes on from there.|It's off by default.}", "Chances.",
     "{How do I|Can I|Where can I} see {the {probabilities|probability of each word|alternatives|other words it considered}|how {sure|certain} {the model|it|you} {was|is}|why it chose {a|that|this} word}?"),
    ("--server|the server flag|`--server`|a remote server|another server", "`--server` uses a remote server as the model: give it the address of an OpenAI-compatible server such as vLLM, TGI or llama.cpp.", "{For example `--server http://host:8000/v1`.|So you can use several GPUs or machines.|The page stays the same.}", "Remote.",
     "{How do I|Can I|How can I} {connect|use|connect to|talk to} {vLLM|TGI|llama.cpp|a remote server|another server|an external model|SGLang|an OpenAI server|ollama}{| here| as the backend}?"),
    ("--server-model|the server-model flag|`--server-model`", "`--server-model` names the model to ask for on {the|a} remote server.", "{It goes together with `--server`.|Without it the server's own choice is taken.}", "Name."),
    ("--api-key|the api-key flag|`--api-key`|the API key|an API key", "`--api-key` sets the key that programs must send to use the API.", "{Without it the API answers only on this machine.|Better give it as an environment variable.}", "Key.", "{How do I {protect|secure} the API|Does the API need a {key|password}|How do I set an API key|Do I need an API key}?"),
    ("the API|/v1/chat/completions|the /v1/chat/completions API|the OpenAI API|the HTTP API", "The API at `/v1/chat/completions` lets {programs|other programs} use the model, like OpenAI's{ API|}; the openai Python client works with it.", "{It runs on the same port as the page.|There is `/v1/models`, too.|From this machine it needs no key, from elsewhere `--api-key`.}", "API.",
     "{How do I|Can I|How can I} {use|call|ask|reach} {it|this|the model|you} from {Python|a program|a script|code|my program|JavaScript|curl}?|{Is there an API|Do you have an API|Is it compatible with OpenAI|Can I use the openai client|Is there an OpenAI compatible API}?"),
    ("/health|/ready|the health check|/metrics|the metrics", "`/health` says that the app is alive, `/ready` that the model can answer, and `/metrics` gives numbers for Prometheus.", "{They are made for supervisors and monitoring.|They run on the same port.}", "Status.", "{How do I monitor {it|the app}|Is there a health check|Are there metrics|How do I know if the server is up}?"),
    ("--no-auth|the no-auth flag|`--no-auth`", "`--no-auth` opens a share link without a password{, so anyone with the link can use it|: anyone who has the link gets in}.", "{Without it a password is made for you.|Use it with care.}", "Open."),
    ("the share password|a share password|the one-time password|the password of the share link", "With `--share` a one-time password is made and printed {in the terminal|where you started the app}, unless you give `--auth` or `--no-auth`.", "{Send it to your friends together with the link.|It's new at each start.}", "Password.", "{Where {is|do I find} the password {of|for} the {share |public |}link|What is the password of the link|Why does the link ask for a password}?"),
    ("--trusted-proxy|the trusted-proxy flag|`--trusted-proxy`|a trusted proxy|the proxy flag", "`--trusted-proxy` names the proxy whose forwarded visitor addresses are believed.", "{Without it such headers are ignored.|You need it behind nginx or a load balancer.}", "Proxy.", "{How do I run it behind {a proxy|nginx|a load balancer}|Does it work behind a {reverse |}proxy}?"),
    ("Tools|the Tools option|tools|tool use|the tools|the agent|tool mode", "With Tools on, the model can use a Calculator and Date and time {before|to help it when} it answers.", "{They are under Advanced options and off by default.|Each step is shown under the answer.}", "Helpers.",
     "{How do I|Can I|How can I} {turn on|switch on|enable|use|get} {the |}tools?|{Which|What} tools {are there|can you use|do you have|does it have}?|{How can {you|it} {calculate|do maths|do arithmetic}|Can it use tools|How do I make {it|you} {calculate|do maths|do sums} correctly}?"),
    ("the Calculator|Calculator|the Calculator tool|the calculator", "The Calculator is a tool that works out arithmetic{, so that numbers are right|}: + - * / ** %, sqrt and more.", "{Turn it on under Advanced options > Tools.|The model writes the expression, the tool gives the result.}", "Arithmetic.", "{How do I turn on the calculator|Where is the calculator|Is there a calculator}?"),
    ("Date and time|the Date and time tool|the date tool|the clock tool", "Date and time is a tool that tells the model the date and the time{ of day|}.", "{Without it a model has no clock.|Turn it on under Advanced options > Tools.}", "Clock.", "{How can {you|it} know {the time|the date|what day it is}|Is there a tool for the {date|time}}?"),
    ("limits|the visitor limits|rate limits|the limits for visitors", "Limits say how many requests a minute and tokens a day a visitor may use; {a friendly line says when to try again|who reaches one is told when to try again}.", "{They are looser on your own machine.|A shared link has stricter ones.}", "Limits.", "{Why am I {limited|blocked|told to wait}|Are there limits for visitors|Is there a rate limit}?"),
    ("the speed line|the numbers under a reply|the figures under a reply|the line under a reply", "Under each reply stand its tokens, tokens per second, the time to the first token and the seed.", "{Tokens per second is the speed.|With the seed you can repeat the reply.}", "Figures.", "{What do the {numbers|figures} {under|below} a reply mean|What is the speed number under a reply}?"),
)  # fmt: skip

CONTROLS = [*PAGE, *FLAGS, *NEXT]
