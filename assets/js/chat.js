// A chat as a value: a tree of messages, each known by its number. The server changes it
// (llama_ui/chat/conversation.py); what is here only reads it, or puts the server's changes in.

/**
 * @typedef {{thought: string, tool: string, given: string, observation: string, ms: number}} Step
 * @typedef {{ending: string, model?: string, quantization?: string, prompt_tokens?: number, reused_tokens?: number,
 *     reply_tokens?: number, first_token_s?: number, tokens_per_s?: number, options?: any, steps?: Step[],
 *     thinking?: string, thought_tokens?: number, thought_s?: number, begun?: boolean}} Facts
 * @typedef {{name: string, text: string}} Attachment
 * @typedef {{role: 'user' | 'assistant', text: string, parent: number | null, facts?: Facts | null, attachments?: Attachment[]}} Message
 * @typedef {{nodes: Message[], head: number | null, options?: any, name: string, pinned: number[]}} Chat
 */

const HEAD = '{"format":"llama-ui-chat","version":1,"chat":';
const MAX_TITLE = 80;

/** @returns {Chat} */
export const emptyChat = () => ({nodes: [], head: null, name: '', pinned: []});

/** A chat as it is exported and kept. @param {Chat} chat */
export const toText = (chat) => `${HEAD}${JSON.stringify(chat)}}`;

/** The chat of such a text; null when it is damaged. @param {string} text @returns {Chat | null} */
export const fromText = (text) => {
    try {
        const {chat} = JSON.parse(text);
        const isWhole = Array.isArray(chat.nodes)
            && chat.nodes.every((/** @type {any} */ node) => typeof node.text === 'string' && ['user', 'assistant'].includes(node.role))
            && (chat.head === null || chat.nodes[chat.head]);
        return isWhole ? {...chat, name: typeof chat.name === 'string' ? chat.name : '', pinned: chat.pinned ?? []} : null;
    } catch {
        return null;
    }
};

/** What a chat is called: its given name, or its first words. @param {Chat} chat */
export const titleOf = (chat) => {
    const title = chat.name || (chat.nodes.length ? chat.nodes[0].text.slice(0, 400).trim().replace(/\s+/g, ' ') : 'New chat');
    const letters = [...title];
    return letters.length <= MAX_TITLE ? title : `${letters.slice(0, MAX_TITLE - 1).join('')}…`;
};

/** The numbers of the messages that are shown, oldest first. @param {Chat} chat */
export const pathOf = (chat) => {
    const path = [];
    for (let at = chat.head; at !== null; at = chat.nodes[at].parent) path.push(at);
    return path.reverse();
};

/** For each message the numbers of all that stand in its place. @param {Chat} chat */
export const versionsOf = (chat) => {
    /** @type {Map<string, number[]>} */
    const places = new Map();
    const place = (/** @type {Message} */ node) => `${node.role} ${node.parent}`;
    chat.nodes.forEach((node, number) => {
        const key = place(node);
        const others = places.get(key);
        if (others) others.push(number);
        else places.set(key, [number]);
    });
    return (/** @type {number} */ number) => /** @type {number[]} */ (places.get(place(chat.nodes[number])));
};

/** The chat after the changes that the server tells; its name is this browser's.
 * @param {Chat} chat
 * @param {{first: number, nodes: Message[], head: number | null, options: any, pinned: number[]}} change
 * @returns {Chat} */
export const changed = (chat, {first, nodes, head, options, pinned}) => ({
    nodes: [...chat.nodes.slice(0, first), ...nodes], head, options, name: chat.name, pinned,
});

/** The chat with what has been written of its replies so far.
 * @param {Chat} chat a message of it is being answered
 * @param {{text: string, thinking: string, steps: Step[]}[]} replies
 * @param {number | null} goingOn the number of the reply that goes on
 * @returns {Chat} */
export const withPartial = (chat, replies, goingOn) => {
    const facts = (/** @type {{steps: Step[], thinking: string}} */ {steps, thinking}) => ({ending: 'cancelled', options: chat.options, steps, thinking});
    if (goingOn !== null) {
        const nodes = [...chat.nodes];
        nodes[goingOn] = {...nodes[goingOn], text: replies[0].text || nodes[goingOn].text, facts: {...nodes[goingOn].facts, ending: 'cancelled'}};
        return {...chat, nodes};
    }
    const begun = replies.filter(({text, thinking}) => text || thinking);
    if (!begun.length) return chat;
    const nodes = begun.map((reply) => ({role: /** @type {const} */ ('assistant'), text: reply.text, parent: chat.head, facts: facts(reply)}));
    return {...chat, nodes: [...chat.nodes, ...nodes], head: chat.nodes.length};
};
