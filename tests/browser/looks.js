// What tests look at on the page; each answers with what is wrong.

// What sticks out of the screen, overlaps the row, or is too small for a finger.
const misfits = () => {
    const seen = [...document.querySelectorAll('#main button, #main summary, #main textarea, #badge')]
        .filter(node => node.checkVisibility({visibilityProperty: true}) && !node.closest('#chat, dialog'));
    const box = node => node.getBoundingClientRect();
    const found = [];
    for (const node of seen) {
        const {left, right, top, bottom, width, height} = box(node);
        const name = node.id || node.title || node.innerText;
        if (left < 0 || right > innerWidth || top < 0 || bottom > innerHeight) found.push(`${name} is outside`);
        if (innerWidth <= 800 && node.matches('button, summary') && (width < 40 || height < 40)) found.push(`${name} is ${width} x ${height}`);
    }
    const row = [...document.querySelectorAll('#below :is(button, select, summary)')].filter(node => node.checkVisibility());
    if (new Set(row.map(node => Math.round(box(node).top + box(node).height / 2))).size > 1) found.push('the row wraps');
    row.sort((a, b) => box(a).left - box(b).left);
    row.slice(1).forEach((node, n) => { if (box(node).left < box(row[n]).right - 1) found.push(`${node.id || node.title} overlaps`); });
    if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
    const [log, composer] = [document.querySelector('#transcript > [role=log]'), document.querySelector('#composer')].map(node => node && box(node));
    if (log && innerHeight > 480 && (Math.abs(log.left - composer.left) > 1 || Math.abs(log.right - composer.right) > 1)) found.push('edges differ');
    return found;
};

// The contrast of texts with what lies behind them, as WCAG 2 counts; only what is below 4.5.
const faint = () => {
    const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
    const draw = canvas.getContext('2d', {willReadFrequently: true});
    const shade = colours => {
        for (const [colour, alpha] of colours) { draw.globalAlpha = alpha; draw.fillStyle = colour; draw.fillRect(0, 0, 1, 1); }
        const parts = [...draw.getImageData(0, 0, 1, 1).data].slice(0, 3).map(x => x / 255)
            .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const faint = {};
    const look = (node, pseudo) => {
        const behind = [];
        let alpha = 1;
        for (let at = node; at; at = at.parentElement) {
            behind.unshift([getComputedStyle(at).backgroundColor, 1]);
            if (!at.matches('.caption, .tools > *')) alpha *= Number(getComputedStyle(at).opacity);
        }
        const text = shade([...behind, [getComputedStyle(node, pseudo).color, alpha]]);
        const [dark, light] = [shade(behind), text].sort((a, b) => a - b);
        const ratio = (light + 0.05) / (dark + 0.05);
        if (ratio < 4.5) faint[`${node.tagName} ${node.id || node.className} ${node.innerText?.slice(0, 30) ?? ''} ${pseudo ?? ''}`] = ratio;
    };
    const own = node => [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    for (const node of document.querySelectorAll('#frame *')) {
        if (!node.checkVisibility() || node.closest(':disabled, svg, math, .greyed, .sr-only')) continue;
        if (own(node)) look(node);
        if (node.placeholder) look(node, '::placeholder');
    }
    return faint;
};

// Buttons without a name, two with the same name, or a picture without a tooltip.
const unnamed = () => {
    const names = new Map();
    const found = [];
    for (const node of document.querySelectorAll('#main button, #main summary, #sidebar button:not(.kept *)')) {
        if (!node.checkVisibility()) continue;
        const name = node.ariaLabel || node.innerText.trim();
        if (!name) found.push(node.outerHTML.slice(0, 120));
        // The details of a reply are their own tooltip.
        if (!node.innerText.trim() && !node.title && !node.closest('.caption')) found.push(`no tooltip: ${name}`);
        if (names.has(name)) found.push(`twice: ${name}`);
        names.set(name, node);
    }
    return found;
};
