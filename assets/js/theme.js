// Light, dark, or as the system has it: a button that this browser remembers.
import {button, icon} from './dom.js';

const PLACE = 'llama-ui:theme';
const THEMES = /** @type {const} */ ([['system', 'auto'], ['light', 'sun'], ['dark', 'moon']]);

export const makeTheme = () => {
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    let at = 0;
    const read = () => {
        let kept = null;
        try { kept = localStorage.getItem(PLACE); } catch { /* refused: as the system has it */ }
        at = Math.max(0, THEMES.findIndex(([name]) => name === kept));
    };
    const pressed = button({class: 'theme', onclick: () => {
        at = (at + 1) % THEMES.length;
        try { localStorage.setItem(PLACE, THEMES[at][0]); } catch { /* refused: until the page is closed */ }
        apply();
    }});
    const apply = () => {
        const [name, picture] = THEMES[at];
        document.body.classList.toggle('dark', name === 'dark' || (name === 'system' && system.matches));
        const label = `Theme: ${name}`;
        pressed.replaceChildren(icon(picture));
        pressed.title = label;
        pressed.setAttribute('aria-label', label);
    };
    // Gradio follows the system too: what was chosen wins.
    system.addEventListener('change', () => setTimeout(apply));
    window.addEventListener('storage', ({key}) => { if (key === PLACE) { read(); apply(); } });
    read();
    apply();
    return pressed;
};
