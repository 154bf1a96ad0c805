// How the scripts of the page build what they show. Text goes in as text, never as markup.

// make('button', {class: 'x', 'aria-label': 'y', onclick: f}, 'text', node, ...)
const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
        else if (value === true) node.setAttribute(name, '');
        else if (value !== false && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
};

// A button that does something, unlike one that submits a form.
const button = (attributes, ...children) => make('button', {type: 'button', ...attributes}, ...children);

// A small picture of strokes in a box of 24, in the colour of the text around it.
const picture = (path) => {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    for (const [name, value] of Object.entries({
        viewBox: '0 0 24 24', width: 16, height: 16, fill: 'none', stroke: 'currentColor', 'stroke-width': 2,
        'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': true,
    })) svg.setAttribute(name, value);
    const strokes = document.createElementNS(svg.namespaceURI, 'path');
    strokes.setAttribute('d', path);
    svg.append(strokes);
    return svg;
};

// Gradio hears what is typed into its boxes, not what is assigned to them.
const type = (area, text) => {
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(area, text);
    area.dispatchEvent(new Event('input', {bubbles: true}));
};
