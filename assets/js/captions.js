// Facts in words: about a reply, and about the model.

/** @typedef {import('./chat.js').Facts} Facts */

/** @type {Record<string, string>} */
const NOTES = {
    time: 'Cut: the time that a reply may take here is over.',
    cancelled: 'Stopped.',
    error: 'Incomplete: the reply ended with an error.',
    content_filter: 'Cut by the content filter of the server.',
    edited: 'Edited.',
};
/** @type {Record<string, string>} */
const ENDINGS = {
    stop: 'by itself', length: 'at the limit', time: 'when its time was over', cancelled: 'by Stop', error: 'by an error',
    content_filter: 'by the content filter', edited: 'edited since',
};
const number = (/** @type {number | undefined} */ value) => (value ?? 0).toLocaleString('en-US');

/** Why a reply is not what the model said to its end; empty when it is.
 * @param {Facts} facts */
export const noteOf = (facts) => {
    if (facts.ending !== 'length') return NOTES[facts.ending] ?? '';
    return `Cut at the limit of ${number(facts.options?.sampling?.max_new_tokens)} new tokens.`;
};

/** How long a model thought. @param {number} seconds @param {number} [tokens] */
export const thoughtFor = (seconds, tokens = 0) => [
    seconds ? `Thought for ${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s` : 'Thought before answering',
    tokens ? `${number(tokens)} tokens` : '',
].filter(Boolean).join(' · ');

/** All that is known of how a reply came about: names and values; none when no token of it was drawn.
 * @param {Facts} facts
 * @param {{name: string, label: string, neutral: any}[]} options the rows of the table of options, in order */
export const detailsOf = (facts, options) => {
    // An edited text is no longer what the numbers are about.
    if (!facts.reply_tokens || facts.ending === 'edited') return [];
    const sampling = {...facts.options, ...facts.options?.sampling};
    const shown = (/** @type {any} */ value) => (Array.isArray(value) ? value.map((word) => `“${word}”`).join(', ') : String(value));
    // What changes nothing is left out.
    const isSaid = (/** @type {any} */ value, /** @type {any} */ neutral) => ![null, undefined, '', false, neutral].includes(value) && !(Array.isArray(value) && !value.length);
    const rows = [
        ['Model', [facts.model, facts.quantization].filter(Boolean).join(' · ')],
        ['Prompt', `${number(facts.prompt_tokens)} tokens, ${number(facts.reused_tokens)} from the cache`],
        ['Reply', `${number(facts.reply_tokens)} token${facts.reply_tokens === 1 ? '' : 's'}${facts.tokens_per_s ? `, ${facts.tokens_per_s.toFixed(0)} tokens/s` : ''}`],
        ...(facts.first_token_s ? [['First token', `${facts.first_token_s.toFixed(2)} s`]] : []),
        ['Ended', ENDINGS[facts.ending] ?? facts.ending],
        ...options.filter(({name, neutral}) => isSaid(sampling[name], neutral)).map(({name, label}) => [label, shown(sampling[name]).slice(0, 300)]),
    ];
    return rows;
};

/** How two compared replies differ: what each was asked with.
 * @param {Facts} facts */
export const askedWith = (facts) => {
    const system = (facts.options?.system ?? '').trim();
    return `temperature ${facts.options?.sampling?.temperature}, ${system ? `“${system.slice(0, 60)}”` : 'no system prompt'}`;
};

/** Which model answers: its name, how it is held, where it runs, and its window.
 * @param {any} state of the model, as the server tells it */
export const badgeOf = ({name, state, progress, info}) => {
    if (!info) return `${name} · ${state === 'loading' ? progress : 'not loaded'}`;
    const parts = [
        info.name, info.adapter && `adapter ${info.adapter}`, info.quantization, info.device,
        info.context_length && `${number(info.context_length)} tokens`, info.mode === 'completion' && 'completion',
    ];
    return parts.filter(Boolean).join(' · ');
};
