// What the page asks of its server (llama_ui/web/page/routes.py).

const LOOK_MS = 5000;  // a server that has not answered by then is not there
const OFFLINE = ['The server does not answer.', 'Nothing is lost: try again in a moment.'];

/** What went wrong: a sentence, and another that says what to do next. */
export class Fault extends Error {
    /** @param {string} problem @param {string} next_step @param {boolean} [isAway] whether the server could not be reached */
    constructor(problem, next_step, isAway = false) {
        super(`${problem} ${next_step}`);
        this.problem = problem;
        this.next_step = next_step;
        this.isAway = isAway;
    }
}

const address = (/** @type {string} */ path) => new URL(path, document.baseURI);

/** @param {Response} answer */
const refusal = async (answer) => {
    let said = null;
    try { said = await answer.json(); } catch { /* no words: those below */ }
    if (typeof said?.problem === 'string') return new Fault(said.problem, said.next_step);
    if (answer.status === 401) return new Fault('You are not logged in any more.', 'Open the page again to log in; your chats are kept.');
    if (typeof said?.detail === 'string' && answer.status === 413) return new Fault(said.detail, 'Send less, or begin a new chat.');
    if (answer.status === 429 || answer.status === 503) return new Fault('The server is busy.', 'Wait a moment and send again.');
    return new Fault(`The server refuses this (HTTP ${answer.status}).`, 'Reload the page; your chats are kept.');
};

/** @param {string} path @param {BodyInit} body @param {AbortSignal} [signal] */
const post = async (path, body, signal) => {
    let answer;
    try {
        answer = await fetch(address(path), {method: 'POST', body, signal, headers: {'Content-Type': 'application/json'}});
    } catch (error) {
        if (signal?.aborted) throw error;
        throw new Fault(OFFLINE[0], OFFLINE[1], true);
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
};

/** Ask once; throws a Fault.
 * @param {string} path @param {unknown} body @param {AbortSignal} [signal]
 * @returns {Promise<any>} */
export const ask = async (path, body, signal) => {
    const answer = await post(path, typeof body === 'string' || body instanceof Blob ? body : JSON.stringify(body), signal);
    try {
        return await answer.json();
    } catch (error) {
        if (signal?.aborted) throw error;
        throw new Fault(OFFLINE[0], OFFLINE[1], true);
    }
};

/** Read the events of an answer one by one.
 * @param {Response} answer @param {(update: any) => void} take */
const read = async (answer, take) => {
    const decoder = /** @type {TransformStream<Uint8Array, string>} */ (new TextDecoderStream());
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).pipeThrough(decoder).getReader();
    let held = '';
    for (;;) {
        const {value, done} = await reader.read();
        if (done) return;
        const events = (held + value).split('\n\n');
        held = events.pop() ?? '';
        for (const event of events) if (event.startsWith('data: ')) take(JSON.parse(event.slice(6)));
    }
};

/** Ask, and take the updates of the answer as they come; throws a Fault.
 * @param {string} path @param {unknown} body @param {(update: any) => void} take */
export const stream = async (path, body, take) => {
    const answer = await post(path, JSON.stringify(body));
    try {
        await read(answer, take);
    } catch (error) {
        if (error instanceof SyntaxError) throw error;
        throw new Fault('The connection to the server broke.', 'What has arrived stays: continue the reply, or regenerate it.', true);
    }
};

/** The states of the model, until none loads any more.
 * @param {(state: any) => void} take @param {AbortSignal} signal */
export const states = async (take, signal) => {
    const answer = await fetch(address('page/engine'), {signal});
    if (!answer.ok) throw await refusal(answer);
    await read(answer, take);
};

/** What there is to choose from. @returns {Promise<any>} */
export const fetchModels = async () => {
    const answer = await fetch(address('page/models'));
    if (!answer.ok) throw await refusal(answer);
    return answer.json();
};

/** Tell the server that this page needs nothing any more; also while it closes. @param {string} owner */
export const leave = (owner) => navigator.sendBeacon(address('page/leave'), new Blob([JSON.stringify({owner})], {type: 'application/json'}));

/** Log this browser out, and show the log-in. */
export const logOut = async () => {
    await fetch(address('logout'), {method: 'POST', headers: {'Content-Type': 'application/x-www-form-urlencoded'}}).catch(() => {});
    location.assign(address('login'));
};

/** Whether the server is there. */
export const isThere = async () => {
    try { return (await fetch(address('health'), {signal: AbortSignal.timeout(LOOK_MS)})).ok; } catch { return false; }
};
