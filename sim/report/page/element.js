// Small pieces that the parts of the page are made of.

const SHORT_US = 60_000_000;

/** An element with attributes and children; texts are never taken for markup. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** How instants read: seconds to the microsecond in a short life; hours, minutes, seconds, milliseconds in a long one. */
export function timeTexts(wholeUs) {
  const two = (value) => String(Math.floor(value)).padStart(2, '0');
  if (wholeUs < SHORT_US) return (us) => `${(us / 1_000_000).toFixed(6)} s`;
  return (us) => {
    const ms = us / 1000;
    const clock = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map(two).join(':');
    return `${clock}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`;
  };
}

export const counted = (number, one, many) => `${number.toLocaleString('en')} ${number === 1 ? one : many}`;

export const isCrash = (text) => /^(process killed|power loss)/.test(text);

/** The span that holds at an instant. The last one holds at the end of the life as well. */
export const spanAt = (spans, ordinal, end) =>
  spans.find(({ from, to }) => from <= ordinal && (ordinal < to || (ordinal === to && to === end)));

/** Scrolls a box until a part of it is to be seen, and never the page. */
export function reveal(box, { from, size, axis }) {
  const [scroll, room] = axis === 'x' ? ['scrollLeft', 'clientWidth'] : ['scrollTop', 'clientHeight'];
  if (from < box[scroll]) box[scroll] = from;
  else if (from + size > box[scroll] + box[room]) box[scroll] = from + size - box[room];
}
