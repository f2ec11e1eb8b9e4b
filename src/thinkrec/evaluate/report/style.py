"""The style sheet of the report: one file, no font or picture from anywhere, light or dark like the reader's system."""

CSS = """
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #1b2430; --soft: #5b6675; --rule: #e1e5ea;
  --accent: #2457c5; --good: #12805c; --bad: #c2303f; --tint: #eef2fb;
  --c0: #2f6fdb; --c1: #d97a0b; --c2: #0f9a8a; --c3: #8b4fd9; --c4: #d6336c; --c5: #5c7f16; --c6: #7a5c43; --c7:
  #64748b; }
@media (prefers-color-scheme: dark) { :root { --page: #11151b; --card: #1a2029; --ink: #e5e9ef; --soft: #9aa6b5;
  --rule: #2c3541; --accent: #8fb3ff; --good: #4ccb9c; --bad: #ff8088; --tint: #212a38;
  --c0: #74a7ff; --c1: #f6ae57; --c2: #4fd0c0; --c3: #bd95ff; --c4: #ff86ae; --c5: #b3d464; --c6: #cfae92; --c7:
  #a3b1c4; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 36px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 8px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 0 0 4px; letter-spacing: -0.005em; }
h3 { font-size: 14px; margin: 22px 0 8px; color: var(--soft); font-weight: 600; }
.lead { color: var(--soft); font-size: 16px; max-width: 76ch; margin: 0 0 10px; }
.note { color: var(--soft); font-size: 13px; margin: 0 0 14px; max-width: 92ch; }
ul.note { padding-left: 18px; margin-top: 12px; }
.verdict { font-weight: 600; margin: 14px 0 0; max-width: 92ch; overflow-wrap: anywhere; }
.verdict.lost { color: var(--bad); }
nav { display: flex; flex-wrap: wrap; gap: 6px 18px; font-size: 13.5px; margin: 14px 0 0; }
nav a { color: var(--accent); text-decoration: none; } nav a:hover { text-decoration: underline; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 22px 24px; margin:
  20px 0 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 14px 24px; margin: 0; }
dt { color: var(--soft); font-size: 12px; letter-spacing: .04em; text-transform: uppercase; }
dd { margin: 1px 0 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: right; font-size: 12.5px; color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--rule);
  padding: 8px 10px; }
td { text-align: right; padding: 9px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; vertical-align:
  middle; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 150px; }
tbody tr:last-child td { border-bottom: 0; }
td small { display: block; color: var(--soft); font-size: 12px; }
tr.ceiling, tr.published { color: var(--soft); }
td.best b { color: var(--accent); font-weight: 700; }
.tag { display: inline-block; font-size: 11.5px; color: var(--soft); border: 1px solid var(--rule); border-radius:
  99px; padding: 0 8px; margin-left: 6px; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
.whisker { width: 108px; height: 18px; margin: 2px 0 2px auto; }
.whisker .zero { stroke: var(--soft); stroke-dasharray: 2 2; } .whisker .span { stroke: currentColor; stroke-width: 2;
  }
.whisker circle { fill: currentColor; } .whisker.up, .up { color: var(--good); } .whisker.down, .down { color:
  var(--bad); }
.whisker.open { color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(310px, 1fr)); gap: 20px 28px; }
.split { display: grid; grid-template-columns: minmax(300px, 460px) minmax(240px, 1fr); gap: 28px; align-items:
  center; }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; font-size: 14px; margin-bottom: 2px; }
.map { max-width: 880px; margin: 0 auto; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 4px 0 8px; font-size: 13px; color: var(--soft); }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.key { width: 11px; height: 11px; border-radius: 50%; background: var(--c); display: inline-block; }
.key.region { border-radius: 3px; width: 16px; border: 1px solid var(--rule); }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
.c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
.grid { stroke: var(--rule); } .axis { stroke: var(--soft); } .tick { fill: var(--soft); font-size: 11px; }
.name { fill: var(--soft); font-size: 12px; } .ideal { stroke: var(--soft); stroke-dasharray: 5 4; }
.line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; } .dot { fill: var(--c); }
.dot.soft { fill-opacity: .75; } .dot.user { stroke: var(--card); stroke-width: .6; }
.chosen { stroke: var(--ink); stroke-dasharray: 3 3; opacity: .6; }
.r-expert, .r-fuse, .r-global { shape-rendering: crispEdges; }
rect.r-expert { fill: var(--c); fill-opacity: .16; } rect.r-fuse { fill: url(#hatch); } rect.r-global { fill:
  var(--soft); fill-opacity: .22; }
.key.r-expert { background: color-mix(in srgb, var(--c) 22%, var(--card)); }
.key.r-fuse { background: repeating-linear-gradient(45deg, var(--card) 0 2px, var(--soft) 2px 3px); }
.key.r-global { background: color-mix(in srgb, var(--soft) 28%, var(--card)); }
.hatch-ground { fill: var(--card); } .hatch { stroke: var(--soft); stroke-width: 1.2; stroke-opacity: .55; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 430px), 1fr)); gap: 16px;
  margin-top: 14px; }
.case { border: 1px solid var(--rule); border-radius: 10px; padding: 15px 17px; display: flex; flex-direction: column;
  gap: 9px; min-width: 0; }
.case header { display: flex; justify-content: space-between; gap: 12px; align-items: baseline; }
.case h4 { margin: 0; font-size: 15.5px; line-height: 1.3; overflow-wrap: anywhere; }
.case h4, .past li, blockquote { unicode-bidi: plaintext; }
.said { text-align: right; white-space: nowrap; }
.who { color: var(--soft); font-size: 12.5px; } .chance { font-size: 19px; font-weight: 700; font-variant-numeric:
  tabular-nums; }
.meter { height: 6px; border-radius: 4px; background: var(--rule); overflow: hidden; } .meter i { display: block;
  height: 100%; background: var(--accent); }
.truth { font-size: 12.5px; font-weight: 600; } .yes { color: var(--good); } .no { color: var(--bad); }
.past { list-style: none; padding: 0; margin: 0; font-size: 13.5px; columns: 2; column-gap: 16px; }
.past li { break-inside: avoid; overflow-wrap: anywhere; padding-left: 18px; text-indent: -18px; }
.past b { display: inline-block; width: 18px; text-indent: 0; }
.gate { display: flex; height: 8px; border-radius: 4px; overflow: hidden; background: var(--rule); }
.gate i { display: block; background: var(--c); } .case .legend { margin: 0; font-size: 12px; }
blockquote { margin: 0; padding: 9px 13px; background: var(--tint); border-radius: 8px; font-size: 14px;
  overflow-wrap: anywhere; white-space: pre-line; }
.label { font-size: 11.5px; letter-spacing: .04em; text-transform: uppercase; color: var(--soft); }
footer { color: var(--soft); font-size: 12.5px; margin-top: 26px; }
@media (max-width: 720px) { .split { grid-template-columns: 1fr; } main { padding: 22px 12px 40px; } section {
  padding: 16px 14px; }
  .past { columns: 1; } .cards { grid-template-columns: 1fr; } }
@media print { body { background: #fff; } section { break-inside: avoid; } nav { display: none; } }
"""
