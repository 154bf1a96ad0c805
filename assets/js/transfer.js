// Chats to and from files. The format is the server's (llama_ui/chat/export.py), which also checks what comes in.
import {ask, Fault} from './server.js';
import {fromText, titleOf, toText} from './chat.js';
import {make} from './dom.js';

const MAX_FILE_BYTES = 50_000_000;

/** @param {string} name @param {string} type @param {string} text */
const download = (name, type, text) => {
    const url = URL.createObjectURL(new Blob([text], {type}));
    make('a', {href: url, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
};
const fileName = (/** @type {string} */ title) => title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 40) || 'chat';

/** @param {import('./chat.js').Chat} chat */
export const exportJson = (chat) => download(`${fileName(titleOf(chat))}.json`, 'application/json', toText(chat));

/** The server knows how a chat reads; throws a Fault. @param {import('./chat.js').Chat} chat */
export const exportMarkdown = async (chat) => {
    const {markdown} = await ask('page/markdown', {chat});
    download(`${fileName(titleOf(chat))}.md`, 'text/markdown', markdown);
};

/** All chats in one file; put together here, since it must work when the server is gone.
 * @param {string[]} texts @returns {number} how many are damaged, and not in the file */
export const exportAll = (texts) => {
    const chats = texts.map(fromText);
    const inner = chats.flatMap((chat) => (chat ? [JSON.stringify(chat)] : []));
    const text = `{"format":"llama-ui-chats","version":1,"chats":[${inner.join(',')}]}`;
    download(`llama-ui-chats-${new Date().toLocaleDateString('sv')}.json`, 'application/json', text);
    return chats.length - inner.length;
};

/** The chats of a file, checked; throws a Fault. @param {File} file @returns {Promise<{chats: import('./chat.js').Chat[], damaged: number}>} */
export const readFile = async (file) => {
    if (file.size > MAX_FILE_BYTES) throw new Fault('The file is too large to be an export of chats.', 'Choose another one.');
    return ask('page/import', await file.text());
};
