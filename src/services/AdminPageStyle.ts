/**
 * The style sheet of the pages for people, inline; the content security policy allows it by its hash.
 *
 * @category constants
 * @since 1.1.0
 */
export const style =
  `:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d8dde3;` +
  `--accent:#0b62b8;--area:#0b62b81f;--pass:#1a7434;--warn:#8a5700;--fail:#c01c2b;--debug:#5b3fb5;--on:#fff}
@media(prefers-color-scheme:dark){:root{--bg:#0e1116;--card:#161b22;--ink:#e6eaf0;--soft:#9aa5b1;--line:#2b323b;` +
  `--accent:#6cb4f5;--area:#6cb4f529;--pass:#4fc76f;--warn:#e3ab45;--fail:#ff8078;--debug:#b7a2f5;--on:#0e1116}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;` +
  `font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main,.wrap{max-width:74rem;margin:0 auto;padding:0 1.25rem}
code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.92em}
a{color:var(--accent);text-underline-offset:.2em}a:hover{text-decoration-thickness:2px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
h1{font-size:1.45rem;line-height:1.25;margin:0;overflow-wrap:anywhere}h2{font-size:1.06rem;margin:0}
p{margin:.35rem 0}.soft{color:var(--soft)}.none{color:var(--soft);margin:.6rem 0}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.3rem .6rem;z-index:1}
.pass{--tone:var(--pass)}.warn{--tone:var(--warn)}.fail{--tone:var(--fail)}
.top,nav{background:var(--card)}.top{border-top:5px solid var(--tone)}nav{border-bottom:1px solid var(--line)}
.verdict{display:flex;gap:1rem;align-items:flex-start;padding:1.25rem 0 .9rem}
.verdict>svg{flex:none;width:3rem;height:3rem}.verdict circle{fill:var(--tone)}.verdict path{fill:none;stroke:var(--on);` +
  `stroke-width:2.6;stroke-linecap:round;stroke-linejoin:round}
.verdict h1 b{color:var(--tone);margin-left:.35rem}
.why{list-style:none;margin:.25rem 0 0;padding:0;overflow-wrap:anywhere}.why b{color:var(--tone)}
.armed{border:1px solid var(--fail);color:var(--fail);border-radius:6px;padding:.45rem .8rem;margin:0 0 .9rem;font-weight:600}
.facts{display:flex;flex-wrap:wrap;gap:.55rem 2.2rem;margin:0;padding:0 0 1rem}
.facts div{min-width:0}dt{color:var(--soft);font-size:.82rem}dd{margin:0;overflow-wrap:anywhere}
.bar{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;align-items:center;padding:.55rem 0;border-top:1px solid var(--line);font-size:.93rem}
.bar a{padding:.15rem 0}.bar button{margin-left:auto}
button{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:999px;padding:.1rem .8rem;cursor:pointer}
button::before{content:"";display:inline-block;width:.55rem;height:.55rem;border-radius:50%;background:var(--soft);margin-right:.45rem}
button[aria-pressed=true]::before{background:var(--pass)}
.stale{position:sticky;top:0;z-index:1;margin:0;background:var(--fail);color:var(--on);font-weight:600}.stale p{margin:0;padding:.45rem 0}
[hidden]{display:none!important}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:1rem 0;padding:.85rem 1.1rem 1rem}
section>header{display:flex;flex-wrap:wrap;gap:0 .8rem;align-items:baseline;margin-bottom:.35rem}section>header p{margin:0;color:var(--soft);font-size:.88rem}
.vitals{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.6rem,1fr));gap:.9rem 1.4rem;margin:.5rem 0 0}
figure{margin:0;min-width:0}figcaption{color:var(--soft);font-size:.85rem;display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .5rem}
figcaption b{color:var(--ink);font-size:1.22rem;font-weight:600;flex-basis:100%}
.line{display:block;width:100%;height:1.7rem}.line path{fill:var(--area);stroke:var(--accent);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
figure .line{height:2.9rem;margin-top:.3rem;border-bottom:1px solid var(--line)}
.strip{display:block;width:8rem;height:1.4rem}.strip path{stroke-width:3}.strip .good{stroke:var(--pass)}.strip .bad{stroke:var(--fail)}
table{border-collapse:collapse;width:100%;margin:.3rem 0 0}caption{position:absolute;left:-99rem}
th,td{text-align:left;vertical-align:top;padding:.42rem 1.1rem .42rem 0;font-weight:400;overflow-wrap:anywhere}
thead th{color:var(--soft);font-size:.82rem;white-space:nowrap;padding-bottom:.2rem}tbody tr{border-top:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}tbody th{font-weight:500}small{color:var(--soft);font-size:.86em;font-weight:400}
td.n,th.n{text-align:right;white-space:nowrap}td.plot{width:26%;min-width:7rem}td .warn,td .fail,td .pass{white-space:nowrap}
b.pass,b.warn,b.fail,small.tone{color:var(--tone);font-weight:600}
main>h1{padding-top:1.2rem}main>h2{margin:1.6rem 0 .3rem}.scroll{overflow-x:auto}.scroll td{overflow-wrap:normal}.scroll td:last-child{overflow-wrap:anywhere}details summary{cursor:pointer}.more{margin:.6rem 0 0}.more>summary{color:var(--accent)}
.log{list-style:none;margin:.3rem 0 0;padding:0;max-height:42rem;overflow-y:auto}
.log li{border-top:1px solid var(--line)}.log .none{border:0}.log summary{display:grid;grid-template-columns:7.6rem 3.6rem minmax(0,1fr);gap:0 .5rem;padding:.32rem 0 .32rem .6rem;list-style:none}
.log summary::-webkit-details-marker{display:none}.log summary:hover{background:var(--bg)}
.log time{color:var(--soft);white-space:nowrap}.log b{color:var(--level);font-weight:600}.log summary span{overflow-wrap:anywhere;unicode-bidi:isolate;grid-column:3}
.log summary .hint{color:var(--soft);font-size:.86em;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.log [open] .hint,.log .hint:empty{display:none}.log summary time::before{content:"▸ ";color:var(--soft)}.log [open]>summary time::before{content:"▾ "}
.log li{--level:var(--soft)}.log .INFO{--level:var(--pass)}.log .DEBUG{--level:var(--debug)}.log .WARN{--level:var(--warn)}.log .ERROR,.log .FATAL{--level:var(--fail)}
.log .ERROR,.log .FATAL,.log .WARN{box-shadow:inset 3px 0 var(--level)}
.log dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem 1rem;margin:0;padding:.2rem 0 .7rem 1.3rem;font-size:.9rem}
.log dd{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}.log dt{max-width:14rem;overflow-wrap:anywhere}
footer{color:var(--soft);font-size:.88rem;padding:.2rem 0 2rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
@media(max-width:52rem){main,.wrap{padding:0 .8rem}section{padding:.75rem .8rem .9rem}.facts{display:grid;grid-template-columns:1fr 1fr;gap:.5rem 1rem}
.vitals{grid-template-columns:1fr 1fr}.verdict>svg{width:2.4rem;height:2.4rem}.verdict{gap:.75rem}
.stack thead{position:absolute;left:-99rem}.stack,.stack tbody{display:block}.stack tr{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:.1rem .8rem;padding:.5rem 0}
.stack th,.stack td{padding:0;text-align:left;white-space:normal}.stack td b{white-space:normal}.stack tbody th,.stack .wide{grid-column:1/-1}.stack td.plot{grid-column:1/-1;width:auto}
.stack td[data-label]::before{content:attr(data-label);display:block;color:var(--soft);font-size:.78rem}
.stack td.strips{grid-column:1/-1}.stack td:empty{display:none}.pair tr{grid-template-columns:repeat(2,minmax(0,1fr))}.pair td[data-label]::before{display:none}.stack.pair td.plot{grid-column:auto}.log summary{grid-template-columns:7.6rem 1fr}.log summary span{grid-column:1/-1}.log dl{display:block;padding-left:.4rem}.log dd{margin-bottom:.3rem}}
@media(prefers-reduced-motion:no-preference){.log .new{animation:new 1.2s}@keyframes new{from{background:var(--area)}}}`

/**
 * The SHA-256 of {@link style} for the content security policy, in base64; written here, since services do not hash.
 *
 * @category constants
 * @since 1.1.0
 */
export const styleHash = "JTY6rwx3lBsTJVciMFk4Ouu+72EovQnIdJE4CU1MBb8="
