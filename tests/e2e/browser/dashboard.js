// Opens a node's dashboard as a person does and prints what it shows, as JSON, when asked. Commands come as
// lines on standard input: "show", "theme", "screenshot FILE", "quit".
//
//   node dashboard.js URL CHROMIUM phone|desktop dark|light [REFUSALS]
//
// REFUSALS: how many of its first requests for events are answered with 503, as by a node that is too busy.
"use strict";
const { chromium } = require("playwright-core");
const readline = require("node:readline");

const [url, executablePath, device, colorScheme, refusals] = process.argv.slice(2);
const say = x => process.stdout.write(JSON.stringify(x) + "\n");

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const phone = device === "phone";
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1400, height: 1000 }, isMobile: phone, colorScheme });
  const page = await context.newPage();
  const errors = [], requests = [];
  page.on("pageerror", e => errors.push(e.message));
  page.on("console", m => { if (m.type() === "error") errors.push(m.text()); });
  page.on("request", r => requests.push(r.url()));
  if (Number(refusals) > 0)
    await page.route("**/events", route => route.fulfill({ status: 503, body: "Too busy.\n" }), { times: Number(refusals) });
  await page.goto(url);
  await page.waitForSelector("body:not(.lost)", { timeout: 60000 });
  say({ ready: true });
  const shown = () => page.evaluate(() => {
    const text = id => document.getElementById(id).textContent;
    const rows = id => [...document.querySelectorAll("#" + id + " tbody tr")].map(r => [...r.children].map(c => c.textContent));
    return {
      title: document.title, state: text("state"), lost: document.body.classList.contains("lost"), about: text("about"),
      height: text("height"), peerCount: text("peer-count"), masternodeCount: text("masternode-count"),
      attention: document.getElementById("attention").hidden ? [] : [...document.querySelectorAll("#attention li")].map(l => l.textContent),
      peers: rows("peers"), blocks: rows("blocks"), masternodes: rows("masternodes"), actors: rows("actors"),
      invariants: rows("invariants"), log: [...document.querySelectorAll("#log div")].map(d => d.textContent),
      graphLines: document.querySelectorAll("#graph line").length,
      sparks: [...document.querySelectorAll("#peers svg.spark path")].map(p => p.getAttribute("d")),
      background: getComputedStyle(document.body).backgroundColor,
      wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    };
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, argument] = line.split(" ");
    if (command === "show") say({ ...(await shown()), errors, requests });
    else if (command === "theme") { await page.click("#theme"); say({}); }
    else if (command === "screenshot") { await page.screenshot({ path: argument, fullPage: true }); say({}); }
    else break;
  }
  await browser.close();
})().catch(e => { say({ failed: e.message }); process.exit(1); });
