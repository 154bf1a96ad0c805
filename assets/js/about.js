// What this is, which model answers, its keys, and how programs call it.
import {badgeOf} from './captions.js';
import {button, copy, make} from './dom.js';
import {openDialog} from './dialog.js';

const KEYS = [['Enter', 'sends'], ['Shift + Enter', 'breaks the line'], ['Esc', 'stops the reply'], ['↑', 'edits your last message'], ['Ctrl + Shift + O', 'begins a new chat']];

/** @param {any} model as the server tells it */
export const showAbout = (model) => {
    const api = new URL('v1', document.baseURI).href;
    const code = `curl ${api}/chat/completions \\\n  -H "Content-Type: application/json" \\\n  -d '{"messages": [{"role": "user", "content": "Hello!"}]}'`;
    const copying = button({title: 'Copy the command', onclick: () => copy(code, copying)}, 'Copy');
    openDialog({id: 'about-page', title: 'About Llama UI'},
        make('p', {}, 'Chat with Llama models, and see what they see. The model runs on this server; your chats are saved only in this browser.'),
        make('h3', {}, 'Model'), make('p', {}, badgeOf(model)),
        make('h3', {}, 'For programs'),
        make('p', {}, 'The server speaks OpenAI’s protocol: give any client of it this address.'),
        make('div', {class: 'command'}, make('pre', {tabindex: 0}, make('code', {}, code)), copying),
        make('p', {}, 'On the server’s own machine no key is needed. Elsewhere, send the key that it was started with (--api-key) as a Bearer token. Beside it, /health says whether it is well.'),
        make('h3', {}, 'Keys'),
        make('dl', {}, ...KEYS.flatMap(([key, what]) => [make('dt', {}, make('kbd', {}, key)), make('dd', {}, what)])));
};
