// The answer form: its text is asked for where the form has one, with examples of a schema to begin with.
import {button, make, typeInto} from './dom.js';

/** @type {Record<string, object>} */
const EXAMPLES = {
    Person: {
        type: 'object',
        properties: {name: {type: 'string'}, age: {type: 'integer', minimum: 0, maximum: 120}},
        required: ['name', 'age'], additionalProperties: false,
    },
    Review: {
        type: 'object',
        properties: {
            mood: {enum: ['good', 'mixed', 'bad']},
            stars: {type: 'integer', minimum: 1, maximum: 5},
            reasons: {type: 'array', items: {type: 'string', maxLength: 80}, minItems: 1, maxItems: 3},
        },
        required: ['mood', 'stars', 'reasons'], additionalProperties: false,
    },
    Outline: {
        $defs: {part: {
            type: 'object',
            properties: {title: {type: 'string', maxLength: 60}, parts: {type: 'array', items: {$ref: '#/$defs/part'}, maxItems: 3}},
            required: ['title', 'parts'], additionalProperties: false,
        }},
        $ref: '#/$defs/part',
    },
};
/** @type {Record<string, string>} */
const LABELS = {schema: 'JSON schema', choices: 'Choices, one a line', pattern: 'Regular expression'};

/** Show what an answer form needs. @param {string} form a name of the table of options */
export const drawForm = (form) => {
    const block = document.getElementById('option-form_text');
    const area = block?.querySelector('textarea');
    if (!block || !area) return;
    block.classList.toggle('wanted', form in LABELS);
    if (form in LABELS) area.setAttribute('aria-label', LABELS[form]);
    const shown = block.querySelector('.examples');
    if (form !== 'schema') shown?.remove();
    else if (!shown) {
        block.append(make('div', {class: 'examples'}, 'Examples: ', ...Object.entries(EXAMPLES).map(([name, schema]) =>
            button({onclick: () => typeInto(area, JSON.stringify(schema, null, 2))}, name))));
    }
};
