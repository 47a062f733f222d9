// The page: what broke, the picture, the list of what happened, and the state at the instant that is looked at. An instant
// is an event: what is shown is all that had happened up to it, the event included.

import { counted, element, isCrash, reveal, spanAt, timeTexts } from './element.js';
import { Picture } from './picture.js';

const PLAY_MS = 450;

const part = (id) => document.getElementById(id);
const data = JSON.parse(part('data').textContent);
const { events, lines, life, violation } = data;
const count = events.length;
const timeText = timeTexts(events.at(-1)?.atUs ?? 0);
const picture = new Picture({ data, scene: part('scene'), names: part('names'), timeText, choose: go });
const items = lines.map(itemOf);
let at = count;
let player = null;

function drawVerdict() {
  const verdict = part('verdict');
  const isHeld = violation === null;
  const rule = element('span', { class: 'rule' }, isHeld ? 'held' : violation.rule);
  verdict.className = isHeld ? 'held' : 'broken';
  verdict.append(element('h1', {}, rule, isHeld ? 'All rules held in this life' : `Broken: ${violation.sentence}`));
  if (!isHeld) verdict.append(element('p', { class: 'message mono' }, violation.message));
  const chips = [
    `seed ${data.seed}`,
    data.linesBefore === null
      ? counted(lines.length, 'event', 'events')
      : `shrunk from ${counted(data.linesBefore, 'event', 'events')} to ${lines.length}`,
    `${counted(count, 'step', 'steps')} in ${timeText(events.at(-1)?.atUs ?? 0)} of simulated time`,
    counted(life.jobs.length, 'job', 'jobs'),
    counted(life.crashes.length, 'crash', 'crashes'),
    `commit ${data.commit}, Node ${data.node}`,
  ];
  verdict.append(element('div', { class: 'chips' }, ...chips.map((chip) => element('span', {}, chip))));
  const copy = element('button', {}, 'Copy');
  copy.addEventListener('click', async () => {
    await navigator.clipboard?.writeText(data.repro);
    copy.textContent = 'Copied';
  });
  verdict.append(element('div', { class: 'command' }, element('code', {}, data.repro), copy));
}

function drawFacts() {
  const facts = element('details', {}, element('summary', {}, 'Plan and faults of this life'));
  for (const text of [data.plan, `faults per million: ${data.switches || 'none'}`, `hash ${data.hash}`]) {
    facts.append(element('p', {}, element('code', {}, text)));
  }
  part('facts').append(facts);
}

function drawLegend() {
  const spans = [...life.jobs.flatMap((job) => job.spans), ...life.processes, ...life.requests];
  for (const kind of new Set(spans.map((span) => span.kind))) {
    const text = kind === 'failed' ? 'failed: pending again, or dead' : kind;
    part('legend').append(element('span', {}, element('i', { class: kind }), text));
  }
  part('legend').append(
    element('span', {}, '◇ acknowledged'),
    element('span', { class: 'fault-text' }, '◆ fault'),
    element(
      'span',
      { class: 'keys' },
      'Keys: ← → step, ↑ ↓ event, c crash, f fault, Home, End, space plays, + − width',
    ),
  );
}

function itemOf(line) {
  const [text, ...outcome] = line.text.split(' -> ');
  const told = outcome.length > 0 ? ` → ${outcome.join(' → ')}` : '';
  const item = element(
    'li',
    { role: 'option', 'aria-selected': 'false', id: `line-${line.from}`, class: isCrash(line.text) ? 'crash' : '' },
    element('span', { class: 'ordinal' }, line.from === line.to ? `e${line.from}` : `e${line.from}–${line.to}`),
    element('span', { class: 'at' }, timeText(line.atUs)),
    element('span', { class: 'actor' }, line.actor),
    element('span', { class: 'text' }, text, element('span', { class: 'outcome' }, told)),
    faultCode(line.fault),
  );
  item.addEventListener('click', () => go(line.to));
  return item;
}

function faultCode(fault) {
  if (fault === null) return element('span');
  return element('span', { class: 'fault-code', title: data.faults[fault] ?? '' }, fault);
}

function drawLines() {
  const end = violation === null ? 'All rules held' : `${violation.rule} ${violation.sentence}`;
  const kind = violation === null ? 'end held' : 'end';
  part('lines').append(...items, element('li', { class: kind, role: 'presentation' }, end));
}

function drawNow() {
  const states = life.jobs.flatMap(({ id, spans }) => {
    const span = spanAt(spans, at, count);
    return span === undefined ? [] : [{ id, ...span }];
  });
  const counts = new Map();
  for (const { kind } of states) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const process = spanAt(life.processes, at, count)?.kind;
  const rows = states.map(({ id, kind, from, attempt }) =>
    element(
      'tr',
      {},
      element('td', { class: 'mono' }, id),
      element('td', {}, element('span', { class: `state ${kind}` }, kind)),
      element('td', {}, attempt > 0 ? `attempt ${attempt}` : ''),
      element('td', {}, `since e${from}`),
    ),
  );
  const summary = [...counts].map(([kind, number]) => `${number} ${kind}`).join(', ');
  part('now').replaceChildren(
    element('h2', {}, `Jobs at e${at}`),
    element(
      'p',
      { class: 'counts' },
      element(
        'span',
        { class: `state ${process ?? 'down'}` },
        process === undefined ? 'no process' : `process ${process}`,
      ),
    ),
    element('p', { class: 'counts' }, summary === '' ? 'No job is known yet' : summary),
    element('div', { class: 'scroll' }, element('table', {}, ...rows)),
  );
  picture.showJobs(new Set(states.map(({ id }) => id)));
}

function drawSteps(line) {
  const steps = events.slice(line.from - 1, line.to).map(({ ordinal, actor, text, fault }) => {
    const step = element('li', { class: ordinal === at ? 'mono current' : 'mono' }, `e${ordinal} ${actor} ${text} `);
    if (fault !== null) step.append(faultCode(fault), ` ${data.faults[fault] ?? ''}`);
    return step;
  });
  const box = element('div', { class: 'scroll' }, element('ol', {}, ...steps));
  part('steps').replaceChildren(element('h2', {}, 'Step by step'), box);
  const current = box.querySelector('.current');
  if (current !== null) reveal(box, { from: current.offsetTop, size: current.offsetHeight, axis: 'y' });
}

const lineAt = (ordinal) =>
  Math.max(
    lines.findLastIndex(({ from }) => from <= ordinal),
    0,
  );

/** Everything follows the event that is looked at. */
function go(ordinal) {
  at = Math.min(Math.max(ordinal, 1), Math.max(count, 1));
  const chosen = lineAt(at);
  part('slider').value = at;
  part('slider').setAttribute('aria-valuetext', `step ${at} of ${count}`);
  part('instant').replaceChildren(`e${at} of ${count}`, element('span', {}, timeText(events[at - 1]?.atUs ?? 0)));
  for (const [index, item] of items.entries()) {
    item.setAttribute('aria-selected', String(index === chosen));
    item.classList.toggle('later', index > chosen);
  }
  const item = items[chosen];
  if (item !== undefined) {
    part('lines').setAttribute('aria-activedescendant', item.id);
    reveal(part('lines'), { from: item.offsetTop, size: item.offsetHeight, axis: 'y' });
  }
  picture.show(at, lines[chosen]);
  drawNow();
  if (lines[chosen] !== undefined) drawSteps(lines[chosen]);
}

function goLine(by) {
  go(lines[Math.min(Math.max(lineAt(at) + by, 0), lines.length - 1)]?.to ?? 1);
}

/** To the next event of a kind, and from the last one to the first. */
function goNext(isWanted) {
  const found = events.find((event) => event.ordinal > at && isWanted(event)) ?? events.find(isWanted);
  if (found !== undefined) go(found.ordinal);
}

function play(isOn) {
  clearInterval(player);
  player = null;
  if (isOn) {
    if (at >= count) go(lines[0]?.to ?? 1);
    player = setInterval(() => (at >= count ? play(false) : goLine(1)), PLAY_MS);
  }
  part('play').textContent = isOn ? '❚❚' : '▶▶';
  part('play').setAttribute('aria-label', isOn ? 'Pause' : 'Play');
}

function redraw(change) {
  change();
  picture.show(at, lines[lineAt(at)]);
}

function scale(name) {
  for (const each of ['event', 'time']) part(`by-${each}`).setAttribute('aria-pressed', String(each === name));
  redraw(() => picture.scale(name));
}

const KEYS = {
  ArrowLeft: () => go(at - 1),
  ArrowRight: () => go(at + 1),
  ArrowUp: () => goLine(-1),
  ArrowDown: () => goLine(1),
  PageUp: () => goLine(-10),
  PageDown: () => goLine(10),
  Home: () => go(1),
  End: () => go(count),
  c: () => goNext(({ text }) => isCrash(text)),
  f: () => goNext(({ fault }) => fault !== null),
  '+': () => redraw(() => picture.zoom(2)),
  '-': () => redraw(() => picture.zoom(1 / 2)),
  ' ': () => play(player === null),
};

function press(event) {
  const act = KEYS[event.key];
  const isPressing = event.key === ' ' && event.target.matches?.('button, summary');
  if (act === undefined || isPressing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
}

const BUTTONS = {
  back: KEYS.ArrowLeft,
  forth: KEYS.ArrowRight,
  play: KEYS[' '],
  wider: KEYS['+'],
  narrower: KEYS['-'],
  'by-event': () => scale('event'),
  'by-time': () => scale('time'),
};

drawVerdict();
drawFacts();
drawLegend();
drawLines();
picture.draw();
part('slider').max = Math.max(count, 1);
part('slider').addEventListener('input', ({ target }) => go(Number(target.value)));
for (const [id, act] of Object.entries(BUTTONS)) part(id).addEventListener('click', act);
document.addEventListener('keydown', press);
new ResizeObserver(() => redraw(() => picture.draw())).observe(part('timeline'));
go(count);
