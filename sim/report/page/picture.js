// The picture of a life: a lane for each actor, a row for each job, crashes as lines across both, and a cursor.

import { element, reveal, shape } from './element.js';

const LANE = 24;
const ROW = 18;
const BAR = 12;
const RULER = 20;
const FLAG = 20;
const GAP = 8;
const EDGE = 14;
const NARROWEST = 320;
/** Pixels for an event at most, unless it is drawn wider on demand. */
const WIDEST = 60;
const ZOOM_MAX = 64;
const LETTER = 6.1;
const TICKS_APART = 130;
const CODES_APART = 34;
const CRASHES_APART = 6;

export class Picture {
  #data;
  #scene;
  #names;
  #timeText;
  #choose;
  #width = 0;
  #height;
  #scale = 'event';
  #zoom = 1;
  #cursor = null;
  #reach = null;

  constructor({ data, scene, names, timeText, choose }) {
    this.#data = data;
    this.#scene = scene;
    this.#names = names;
    this.#timeText = timeText;
    this.#choose = choose;
    this.#height = this.#rowTop(data.life.jobs.length) + GAP;
    this.#drawNames();
  }

  get #count() {
    return this.#data.events.length;
  }

  draw() {
    const room = Math.max(NARROWEST, this.#scene.clientWidth);
    const widest = Math.min(room, 2 * EDGE + Math.max(this.#count - 1, 1) * WIDEST);
    this.#width = Math.round(Math.max(widest, NARROWEST) * this.#zoom);
    const size = { width: this.#width, height: this.#height };
    const image = shape('svg', { ...size, viewBox: `0 0 ${size.width} ${size.height}` });
    this.#reach = shape('rect', { class: 'reach', y: RULER, height: this.#height - RULER });
    this.#cursor = shape('line', { class: 'cursor', y1: RULER, y2: this.#height });
    image.append(...this.#stripes(), this.#reach, ...this.#ruler(), ...this.#bars(), ...this.#marks());
    image.append(...this.#jobs(), ...this.#ends(), this.#cursor);
    image.addEventListener('click', ({ clientX }) => {
      this.#choose(this.#nearest(clientX - image.getBoundingClientRect().left));
    });
    this.#scene.replaceChildren(image);
  }

  /** Puts the cursor on an event, and lights up what its line tells of. */
  show(at, line) {
    if (this.#cursor === null || this.#count === 0) return;
    const x = this.#x(at);
    const [left, right] = line === undefined ? [x, x] : [this.#x(line.from), this.#x(line.to)];
    this.#cursor.setAttribute('x1', x);
    this.#cursor.setAttribute('x2', x);
    this.#reach.setAttribute('x', left);
    this.#reach.setAttribute('width', right - left);
    reveal(this.#scene, { from: x - 60, size: 120, axis: 'x' });
  }

  /** Greys out the jobs that are not known at this instant. */
  showJobs(ids) {
    for (const name of this.#names.querySelectorAll('[data-job]'))
      name.classList.toggle('gone', !ids.has(name.dataset.job));
  }

  zoom(factor) {
    this.#zoom = Math.min(Math.max(this.#zoom * factor, 1), ZOOM_MAX);
    this.draw();
  }

  /** `event`: all events are equally wide; `time`: wide is long. */
  scale(name) {
    this.#scale = name;
    this.draw();
  }

  #drawNames() {
    const { lanes, jobs } = this.#data.life;
    const blank = (height) => element('div', { style: `height:${height}px` });
    const blamed = new Set(this.#data.violation?.message.match(/\bj\d+\b/g));
    this.#names.append(
      blank(RULER + FLAG),
      ...lanes.map((lane) => element('div', { style: `height:${LANE}px` }, lane)),
      blank(GAP),
      ...jobs.map(({ id }) =>
        element('div', { style: `height:${ROW}px`, 'data-job': id, class: blamed.has(id) ? 'blamed' : '' }, id),
      ),
    );
  }

  #x(ordinal) {
    const inside = this.#width - 2 * EDGE;
    if (this.#scale === 'event') return EDGE + (inside * (ordinal - 1)) / Math.max(this.#count - 1, 1);
    const [first, whole] = this.#extent();
    return EDGE + (inside * (this.#atUs(ordinal) - first)) / whole;
  }

  #extent() {
    const first = this.#atUs(1);
    return [first, Math.max(this.#atUs(this.#count) - first, 1)];
  }

  #atUs(ordinal) {
    return this.#data.events[ordinal - 1]?.atUs ?? 0;
  }

  #nearest(x) {
    let low = 1;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#x(middle) < x) low = middle + 1;
      else high = middle;
    }
    return low > 1 && x - this.#x(low - 1) < this.#x(low) - x ? low - 1 : low;
  }

  #laneTop(index) {
    return RULER + FLAG + index * LANE;
  }

  #rowTop(index) {
    return this.#laneTop(this.#data.life.lanes.length) + GAP + index * ROW;
  }

  #laneOf(actor) {
    return this.#laneTop(this.#data.life.lanes.indexOf(actor));
  }

  #stripes() {
    const isStriped = (_, index) => index % 2 === 0;
    return this.#data.life.lanes
      .filter(isStriped)
      .map((lane) => shape('rect', { class: 'stripe', x: 0, y: this.#laneOf(lane), width: this.#width, height: LANE }));
  }

  #ruler() {
    const steps = Math.max(1, Math.floor(this.#width / TICKS_APART));
    const [first, whole] = this.#extent();
    return Array.from({ length: steps + 1 }, (_, step) => {
      const ordinal = 1 + Math.round(((this.#count - 1) * step) / steps);
      const isByEvent = this.#scale === 'event';
      const x = isByEvent ? this.#x(ordinal) : EDGE + ((this.#width - 2 * EDGE) * step) / steps;
      const us = isByEvent ? this.#atUs(ordinal) : first + (whole * step) / steps;
      const anchor = step === 0 ? 'start' : step === steps ? 'end' : 'middle';
      return [
        shape('line', { class: 'tick', x1: x, x2: x, y1: RULER - 4, y2: this.#height }),
        shape('text', { class: 'when', x, y: 12, 'text-anchor': anchor }, this.#timeText(us)),
      ];
    }).flat();
  }

  #bars() {
    const { lanes, processes, requests } = this.#data.life;
    const inLane = (span, actor, text) =>
      this.#bar(span, { top: this.#laneOf(actor) + (LANE - BAR) / 2, text, shift: 8 });
    return [
      ...(lanes.includes('server') ? processes.map((process) => inLane(process, 'server', process.kind)) : []),
      ...requests.map((request) => inLane(request, request.actor, request.text)),
    ];
  }

  /** A text stands in the bar if it fits. */
  #bar({ kind, from, to }, { top, text, shift = 5 }) {
    const x = this.#x(from);
    const width = Math.max(this.#x(to) - x, 2);
    const drawn = shape(
      'g',
      {},
      titled(shape('rect', { class: `span ${kind}`, x, y: top, width, height: BAR, rx: 2 }), text),
    );
    if (width > text.length * LETTER + shift + 4) {
      drawn.append(shape('text', { class: 'inside', x: x + shift, y: top + BAR - 3 }, text));
    }
    return drawn;
  }

  #marks() {
    let codedX = -CODES_APART;
    return this.#data.events.flatMap(({ ordinal, actor, text, fault }) => {
      const x = this.#x(ordinal);
      const y = this.#laneOf(actor) + LANE / 2;
      const title = `e${ordinal} ${actor} ${text}`;
      const isQuiet = actor === 'disk' || actor === 'feed';
      const dot = { class: isQuiet ? 'mark quiet' : 'mark', cx: x, cy: y, r: isQuiet ? 2 : 3 };
      if (fault === null) return [titled(shape('circle', dot), title)];
      const mark = titled(
        shape('path', { class: 'mark fault', d: diamond(x, y) }),
        `${title}\n${fault}: ${this.#data.faults[fault] ?? ''}`,
      );
      if (x - codedX < CODES_APART) return [mark];
      codedX = x;
      const isLast = x > this.#width - 40;
      const place = { x: isLast ? x - 8 : x + 8, y: y + 4, 'text-anchor': isLast ? 'end' : 'start' };
      return [mark, shape('text', { class: 'code', ...place }, fault)];
    });
  }

  #jobs() {
    return this.#data.life.jobs.flatMap(({ id, spans, acknowledgedAt }, index) => {
      const top = this.#rowTop(index) + (ROW - BAR) / 2;
      const bars = spans.map((span) => {
        const attempt = span.kind === 'running' ? ` #${span.attempt}` : '';
        return this.#bar(span, {
          top,
          text: `${id} ${span.kind}${attempt}`,
          shift: span.from === acknowledgedAt ? 9 : 5,
        });
      });
      if (acknowledgedAt === null) return bars;
      const sign = shape('path', { class: 'acknowledged', d: diamond(this.#x(acknowledgedAt), top + BAR / 2) });
      return [...bars, titled(sign, `${id} acknowledged at e${acknowledgedAt}`)];
    });
  }

  /** Where processes died, and where the rule was broken. */
  #ends() {
    const { life, violation } = this.#data;
    const line = (kind, x) => shape('line', { class: kind, x1: x, x2: x, y1: RULER, y2: this.#height });
    let drawnX = -CRASHES_APART;
    const crashes = life.crashes.flatMap(({ at, text }) => {
      const x = this.#x(at);
      if (x - drawnX < CRASHES_APART) return [];
      drawnX = x;
      return [titled(line('crash', x), `e${at} ${text}`)];
    });
    if (violation === null) return crashes;
    const x = this.#x(this.#count);
    const text = `${violation.rule} broken`;
    const width = text.length * 7 + 12;
    const left = Math.max(0, x - width);
    return [
      ...crashes,
      line('broken', x),
      titled(shape('rect', { class: 'flag', x: left, y: RULER, width, height: FLAG - 3, rx: 3 }), violation.sentence),
      shape('text', { class: 'flag-text', x: left + 6, y: RULER + 13 }, text),
    ];
  }
}

const diamond = (x, y) => `M${x - 5} ${y}l5 -5l5 5l-5 5z`;

const titled = (made, text) => {
  made.append(shape('title', {}, text));
  return made;
};
