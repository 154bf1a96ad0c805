// One turn while it runs: the updates of the server in, what is shown and kept of it out.
import {thoughtFor} from './captions.js';
import {drawSteps, drawThinking} from './transcript.js';
import {changed, withPartial} from './chat.js';
import {ask, Fault, stream} from './server.js';
import {make} from './dom.js';
import {newKey} from './store.js';

const KEEP_MS = 1000;  // what is being written is kept at most so often

/** @typedef {import('./chat.js').Chat} Chat */

/** One reply that is being written. */
class Reply {
    text = '';
    thinking = '';
    /** @type {import('./chat.js').Step[]} */
    steps = [];
    status = '';
    began = performance.now();
    thoughtFor = 0;  // seconds
    node = make('div', {class: 'body'});
    #md = make('div', {class: 'md'});
    #growing = document.createComment('');  // what comes after it is replaced as the block grows
    #thought = drawThinking();  // stays as it is: somebody may have unfolded it

    constructor() { this.#md.append(this.#growing); this.#frame(); }

    /** @param {any} update */
    take(update) {
        if (update.type === 'status') this.status = update.text;
        if (update.type === 'thinking') this.thinking += update.text;
        if (update.type === 'steps') this.steps = update.steps;
        if (update.type === 'text') {
            if (update.anew) { this.text = ''; this.#md.replaceChildren(this.#growing); }
            this.text += update.raw;
            while (this.#growing.nextSibling) this.#growing.nextSibling.remove();
            const html = document.createRange().createContextualFragment(update.settled);
            this.#growing.before(html);
            this.#growing.after(document.createRange().createContextualFragment(update.growing));
            // A frame of a text that grows changes nothing but the text.
            if (this.text && this.#md.isConnected) return;
        }
        this.#frame();
    }

    #frame() {
        const thought = this.thinking ? this.#thought.node : null;
        const seconds = (performance.now() - this.began) / 1000;
        if (!this.text) this.thoughtFor = seconds;
        if (thought) this.#thought.show(this.thinking, this.text ? thoughtFor(this.thoughtFor) : `Thinking… ${seconds.toFixed(0)} s`);
        const dots = make('span', {class: 'dots'}, make('i'), make('i'), make('i'));
        const waiting = this.text ? this.#md : make('p', {class: 'waiting'}, dots, this.status);
        const parts = [thought, waiting, drawSteps(this.steps)].filter((part) => part !== null);
        // What is there already is not taken out: it may be scrolled, or have the focus.
        for (const node of [...this.node.childNodes]) if (node !== thought) node.remove();
        parts.forEach((part, place) => { if (this.node.childNodes[place] !== part) this.node.insertBefore(part, this.node.childNodes[place] ?? null); });
    }
}

/** A turn that runs in one chat, whichever chat is shown. */
export class Turn {
    id = newKey();
    isAccepted = false;
    isStopping = false;
    /** What was typed, until the server has taken it. @type {HTMLElement | null} */
    bubble = null;
    /** The tokens that a branch begins with. @type {import('./words.js').Token[] | null} */
    begun = null;
    node = make('div', {class: 'turn assistant running', 'aria-busy': 'true'});
    #keptAt = 0;

    /**
     * @param {{
     *     chat: Chat,
     *     options: any,
     *     action: any,
     *     owner: string,
     *     isExplained: boolean,
     *     keep: (chat: Chat) => void,
     *     changed: (turn: Turn) => void,
     * }} of `keep` writes down what there is of the chat, `changed` has the page drawn again
     */
    constructor(of) {
        this.of = of;
        this.chat = of.chat;
        this.action = of.action;
        this.goingOn = /** @type {number | null} */ (null);
        this.answersIn(of.chat);
        this.replies = [new Reply(), ...(of.action.do === 'compare' ? [new Reply()] : [])];
        if (this.replies.length > 1) {
            this.node.classList.add('two');
            for (const {node} of this.replies) node.classList.add('column-of-two');
        }
        this.node.append(...this.replies.map(({node}) => node));
    }

    /** Set the chat as it is when the turn is sent. @param {Chat} chat */
    answersIn(chat) {
        this.of.chat = this.chat = chat;
        this.goingOn = this.action.do === 'continue' ? chat.head : null;
    }

    /** Run it; answers with the last update, or throws the Fault that ended it.
     * @returns {Promise<any>} */
    async run() {
        /** @type {any} */
        let last = null;
        let fault = null;
        const take = (/** @type {any} */ update) => {
            if (update.type === 'accepted') {
                this.chat = changed(this.chat, update.chat);
                this.isAccepted = true;
                this.keep();
                // A stop that arrived before the turn did was one of nothing.
                if (this.isStopping) this.stop();
                this.of.changed(this);
            } else if (update.type === 'fault') fault = new Fault(update.problem, update.next_step);
            else if (update.type === 'done') last = update;
            else if (update.i in this.replies) {
                this.replies[update.i].take(update);
                if ((update.type === 'text' || update.type === 'thinking') && performance.now() - this.#keptAt > KEEP_MS) this.keep();
            }
        };
        const {options, owner, chat} = this.of;
        try {
            await stream('page/turn', {turn: this.id, owner, chat, options, action: this.action}, take);
        } catch (error) {
            if (!(error instanceof Fault)) throw error;
            fault = error;
        }
        if (!last && !fault) fault = new Fault('The connection to the server broke.', 'What has arrived stays: continue the reply, or send again.', true);
        if (last) this.chat = changed({...this.of.chat, name: this.chat.name}, last.chat);
        else if (this.isAccepted) this.chat = this.partial;
        return {last, fault};
    }

    /** The chat with what has been written of its replies. */
    get partial() { return this.isAccepted ? withPartial(this.chat, this.replies, this.goingOn) : this.chat; }

    /** Write down what has been written: a reload, or a server that dies, loses nothing. */
    keep() {
        this.#keptAt = performance.now();
        this.of.keep(this.partial);
    }

    /** Ask the server to stop; what has been written comes with its last update. */
    stop() {
        this.isStopping = true;
        this.of.changed(this);
        ask('page/stop', {turn: this.id}).catch(() => { this.isStopping = false; this.of.changed(this); });
    }
}
