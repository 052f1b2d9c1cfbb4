// Drives the explorer in a real browser, as a person would: sign in, put the token into the headers, query, listen.
// Argument: a JSON object {url, chromium, eventId, screenshot}. Prints one JSON line for each step.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const outside = [];
const violations = [];
const problems = [];

function say(step, details = {}) {
  console.log(JSON.stringify({ step, ...details }));
}

function watch(page) {
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && host !== new URL(given.url).host) outside.push(request.url());
  });
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== new URL(given.url).host) outside.push(socket.url());
  });
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) violations.push(message.text());
    else if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
}

// Every editor carries the name of its file: operation.graphql, variables.json, request-headers.json, response.json.
const editor = (page, file) => page.locator(`.monaco-editor[data-uri$="${file}"]`);

// Pasted, not typed: Monaco closes brackets that one types.
async function write(page, file, text) {
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await editor(page, file).click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Control+V");
}

async function writeHeaders(page, token) {
  await page.getByRole("button", { name: "Headers", exact: true }).click();
  await write(page, "headers.json", JSON.stringify({ Authorization: `Bearer ${token}` }));
}

// What the response pane shows, whole: Monaco draws only the lines in view.
const response = (page) =>
  page.evaluate(() => {
    const model = globalThis.__MONACO.editor.getModels().find((one) => one.uri.path.includes("response"));
    return model.getValue();
  });

async function answer(page, part) {
  await page.waitForFunction(
    (wanted) =>
      globalThis.__MONACO.editor
        .getModels()
        .find((one) => one.uri.path.includes("response"))
        .getValue()
        .includes(wanted),
    part,
    { timeout: 15_000 },
  );
  return JSON.parse(await response(page));
}

const openTab = (page, name) => page.getByRole("tab", { name }).click();

async function run(page) {
  // GraphiQL reads what was written only after a pause (100 ms), as nobody clicks faster.
  await page.waitForTimeout(400);
  await page.locator("button.graphiql-execute-button").click();
}

const profile = await mkdtemp(join(tmpdir(), "wingding-chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: given.chromium,
  headless: true,
  args: FLAGS,
  viewport: { width: 1400, height: 900 },
});
try {
  const page = context.pages()[0] ?? (await context.newPage());
  watch(page);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(given.url).origin });
  await page.addInitScript(() => {
    globalThis.__violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      globalThis.__violations.push(`${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  await page.goto(given.url);
  await editor(page, ".graphql").waitFor({ timeout: 30_000 });
  // The buttons of the documentation come alive when the schema has been read.
  await page.waitForFunction(() => globalThis.__MONACO?.editor.getModels().length >= 4, undefined, { timeout: 30_000 });
  say("opened", { tabs: await page.getByRole("tab").allInnerTexts() });

  await openTab(page, "SignIn");
  await run(page);
  const { signIn } = (await answer(page, "accessToken")).data;
  say("signed in", { errors: signIn.errors });

  await openTab(page, "ComingEvents");
  await writeHeaders(page, signIn.accessToken);
  await run(page);
  say("queried", { answer: await answer(page, "viewer") });

  await openTab(page, "FreePlaces");
  await writeHeaders(page, signIn.accessToken);
  await page.getByRole("button", { name: "Variables", exact: true }).click();
  await write(page, "variables.json", JSON.stringify({ eventId: given.eventId }));
  await run(page);
  say("listening");
  say("heard", { answer: await answer(page, "availabilityChanged") });

  await page.screenshot({ path: given.screenshot });
  violations.push(...(await page.evaluate(() => globalThis.__violations)));
  say("done", { outside, violations, problems });
} catch (error) {
  await context.pages()[0]?.screenshot({ path: given.screenshot });
  say("failed", { error: String(error), outside, violations, problems });
  process.exitCode = 1;
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
