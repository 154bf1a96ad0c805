// The buttons of the chat pane. What needs the server goes there as {act, n, text}; copying and
// opening an editor do not. Runs once, with the pane as `element`.
const edit = (turn) => {
    if (turn.querySelector('.editor')) return;
    const isUser = turn.classList.contains('user');
    const body = turn.querySelector('.typed, .md');
    const form = document.createElement('form');
    form.className = 'editor';
    const area = document.createElement('textarea');
    area.value = turn.dataset.text;
    area.setAttribute('aria-label', isUser ? 'Edit your message' : 'Edit the reply');
    const buttons = document.createElement('div');
    const add = (label, type) => {
        const button = document.createElement('button');
        button.type = type;
        button.textContent = label;
        buttons.append(button);
        return button;
    };
    const close = () => {
        form.remove();
        turn.classList.remove('editing');
        document.querySelector('#message textarea')?.focus();
    };
    add('Cancel', 'button').addEventListener('click', close);
    add(isUser ? 'Send' : 'Save', 'submit');
    form.append(area, buttons);
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        trigger('click', {act: 'edit', n: Number(turn.dataset.n), text: area.value});
    });
    const fit = () => { area.style.height = 'auto'; area.style.height = `${area.scrollHeight + 2}px`; };
    area.addEventListener('input', fit);
    area.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') { event.stopPropagation(); close(); }
        const sends = event.key === 'Enter' && !event.isComposing
            && (event.ctrlKey || event.metaKey || (isUser && !event.shiftKey));
        if (sends) { event.preventDefault(); form.requestSubmit(); }
    });
    turn.classList.add('editing');
    body.after(form);
    fit();
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
};

element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-act]');
    if (!button) return;
    const {act, n} = button.dataset;
    const turn = button.closest('.turn');
    if (act === 'copy') window.llamaUI.copy(turn.dataset.text, button);
    else if (act === 'edit') edit(turn);
    else if (act === 'prompt') trigger('select', {n: Number(n)});
    else trigger('click', {act, n: Number(n)});
});

// Why this word: what else it could have been; choosing one branches the reply there.
const menu = document.createElement('div');
menu.className = 'alternatives';
const explain = (word) => {
    const turn = word.closest('.turn');
    menu.replaceChildren();
    JSON.parse(word.dataset.top).forEach(([text, share, goesOn], choice) => {
        const button = document.createElement('button');
        button.type = 'button';
        const name = document.createElement('span');
        name.textContent = goesOn ? text.replace(/ /g, '\u00b7') : 'end of the reply';
        const percent = document.createElement('span');
        percent.textContent = `${(100 * share).toFixed(1)} %`;
        button.append(name, percent);
        button.disabled = !goesOn;
        button.title = 'Let the reply go on from here with this word';
        button.addEventListener('click', () => {
            menu.remove();
            const i = Number(word.dataset.i);
            trigger('click', {act: 'branch', n: Number(turn.dataset.n), i, choice});
        });
        menu.append(button);
    });
    // Beside the text, not in it: the menu must not move the words.
    document.querySelector('#frame').append(menu);
    const place = word.getBoundingClientRect();
    const left = Math.min(place.left, window.innerWidth - menu.offsetWidth - 8);
    const above = place.bottom + menu.offsetHeight + 8 > window.innerHeight;
    menu.style.left = `${Math.max(8, left)}px`;
    menu.style.top = `${above ? place.top - menu.offsetHeight - 2 : place.bottom + 2}px`;
};
element.addEventListener('mouseover', (event) => {
    const word = event.target.closest('.tokens i');
    if (word) explain(word);
});
element.addEventListener('focusin', (event) => {
    const word = event.target.closest('.tokens i');
    if (word) explain(word);
});
document.addEventListener('mousemove', (event) => {
    if (!event.target.closest?.('.alternatives, .tokens i')) menu.remove();
});
document.addEventListener('scroll', () => menu.remove(), {capture: true, passive: true});
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') menu.remove(); });
