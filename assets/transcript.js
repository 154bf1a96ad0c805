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
    else trigger('click', {act, n: Number(n)});
});
