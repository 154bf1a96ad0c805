// Chats to and from files. The format is the server's (export.py), which also checks what comes in.
const OFFLINE = 'The server does not answer, and nothing was changed. Try again in a moment.';
const MAX_FILE_BYTES = 50_000_000;

const asked = (answer) => answer.catch(() => ({fault: OFFLINE}));

const download = (name, type, text) => {
    const url = URL.createObjectURL(new Blob([text], {type}));
    make('a', {href: url, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
};
const fileName = (title) => title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 40) || 'chat';

const exportJson = ({title, chat}) => download(`${fileName(title)}.json`, 'application/json', chat);

// Answers with a fault, or nothing. The server knows how a chat reads.
const exportMarkdown = async ({title, chat}) => {
    const {markdown, fault} = await asked(server.markdown_of(chat));
    if (!fault) download(`${fileName(title)}.md`, 'text/markdown', markdown);
    return fault;
};

// Put together here, byte for byte: it must work when the server is gone.
const exportAll = (chats) => {
    const inner = chats.map((chat) => chat.slice(chat.indexOf('"chat":') + 7, -1));
    const text = `{"format":"llama-ui-chats","version":1,"chats":[${inner.join(',')}]}`;
    download(`llama-ui-chats-${new Date().toLocaleDateString('sv')}.json`, 'application/json', text);
};

// Asks for a file; answers with {chats} or {fault}.
const readFile = async (file) => {
    if (file.size > MAX_FILE_BYTES) return {fault: 'The file is too large to be an export of chats. Choose another one.'};
    return asked(server.read_chats(await file.text()));
};
