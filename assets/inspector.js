// The exact prompt in a panel of its own. Runs once, with what is in the panel as `element`.
const panel = element.closest('#inspector');
const close = () => { panel.classList.remove('open'); document.querySelector('#show-prompt')?.focus(); };

watch('value', () => {
    const prompt = element.querySelector('.prompt');
    if (!prompt) return;
    const content = JSON.parse(prompt.dataset.content);
    const bar = document.createElement('div');
    bar.className = 'prompt-bar';
    const add = (label, act) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = label;
        button.addEventListener('click', () => act(button));
        bar.append(button);
        return button;
    };
    add('Copy text', (button) => window.llamaUI.copy(content.text, button));
    add('Copy ids', (button) => window.llamaUI.copy(content.ids.join(' '), button));
    add('Copy JSON', (button) => window.llamaUI.copy(JSON.stringify(content, null, 1), button));
    const last = add('Close', close);
    prompt.prepend(bar);
    panel.classList.add('open');
    last.focus();
});
panel.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    close();
});
