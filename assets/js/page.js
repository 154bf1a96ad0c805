// What is open, and what the parts of the page share: each part changes it, and draws from it.
import {emptyChat} from './chat.js';
import {newKey} from './store.js';

/**
 * @typedef {import('./chat.js').Chat} Chat
 * @typedef {import('./turn.js').Turn} Turn
 * @typedef {ReturnType<typeof freshView>} View
 */

/** What is shown of a chat that is opened. @param {Chat} chat */
export const freshView = (chat) => ({
    chat, html: new Map(), tokens: new Map(), leftOut: new Set(),
    going: /** @type {Set<number> | null} */ (null),
    explained: /** @type {number | null} */ (null), compared: /** @type {number[]} */ ([]), isWriting: false,
    goingOn: /** @type {number | null} */ (null),
});

export class Page {
    key = newKey();
    view = freshView(emptyChat());
    /** Of chats whose reply is being written, while another is shown. @type {Map<string, View>} */
    views = new Map();
    /** By the key of their chat. @type {Map<string, Turn>} */
    turns = new Map();
    /** Chats deleted here: a turn may still write to one. @type {Map<string, any>} */
    gone = new Map();
    /** As the server tells it. @type {any} */
    model = {state: 'loading', name: '', progress: 'loading', info: null, longest: 0};
    isAway = false;
    /** Tokens of what is attached, by its text. @type {Map<string, number>} */
    counted = new Map();
    /** Options that were changed and not sent, by the key of their chat. @type {Map<string, any>} */
    unsent = new Map();
    /** Draws the page again; app.js sets it. */
    draw = () => {};

    /** The turn that runs in the open chat. */
    get turn() { return this.turns.get(this.key); }

    /** The key of the chat that a turn runs in. @param {Turn} turn */
    keyOf(turn) { return [...this.turns].find(([, other]) => other === turn)?.[0] ?? this.key; }
}

/** What this tab remembers over a reload. @param {string} name */
export const recall = (name) => { try { return sessionStorage.getItem(`llama-ui:${name}`) ?? ''; } catch { return ''; } };

/** @param {string} name @param {string} text */
export const remember = (name, text) => {
    const key = `llama-ui:${name}`;
    try { sessionStorage.setItem(key, text); } catch {
        // Refused: what stood there before is out of date, and a reload begins anew.
        try { sessionStorage.removeItem(key); } catch { /* nothing stands there */ }
    }
};
