// How the page looks. It is the page's only resource, and stands in it: nothing is loaded from anywhere.

export const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --soft: #59636e; --line: #d8dee4; --page: #fff; --panel: #f6f8fa;
  --get: #0a63c9; --post: #1a7f37; --delete: #c5292f; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9198a1; --line: #30363d; --page: #0d1117;
  --panel: #161b22; --get: #58a6ff; --post: #3fb950; --delete: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); }
a { color: var(--get); text-decoration: none; }
a:hover { text-decoration: underline; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; }
.layout { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 80rem; margin: 0 auto; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); }
nav h2 { margin: 1.25rem 0 .25rem; font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; color: var(--soft); }
nav ul { margin: 0; padding: 0; list-style: none; }
nav li a { display: flex; gap: .5rem; padding: .1rem 0; color: inherit; }
main { padding: 1.5rem 2rem 6rem; }
h1 { margin: 0; font-size: 1.75rem; }
h1 small { font-size: .9rem; font-weight: 400; color: var(--soft); }
main > h2 { margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); font-size: 1.3rem; }
h4 { margin: 1.25rem 0 .4rem; font-size: .9rem; }
.method { flex: none; min-width: 3.6rem; font: 600 12px/1.75 ui-monospace, Menlo, Consolas, monospace; }
nav .method { font-size: 11px; line-height: 1.9; min-width: 3.2rem; }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: 6px; }
summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .75rem; padding: .55rem .9rem; cursor: pointer; }
summary:hover, details[open] > summary { background: var(--panel); }
details[open] > summary { border-bottom: 1px solid var(--line); }
details:has(:target) { border-color: var(--get); }
summary .what { margin-left: auto; color: var(--soft); }
.inner { padding: .25rem .9rem 1rem; scroll-margin-top: 4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-size: .8rem; color: var(--soft); }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { white-space: nowrap; }
.must { color: var(--delete); font-size: .8rem; }
.soft { color: var(--soft); }
pre { margin: .4rem 0; padding: .75rem .9rem; overflow-x: auto; background: var(--panel); border-radius: 6px; }
@media (max-width: 50rem) { .layout { display: block; } nav { display: none; }
  main { padding: 1rem; } summary .what { margin-left: 0; width: 100%; } }
`;
