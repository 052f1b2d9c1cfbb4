// Builds GraphiQL into dist/: hashed files under dist/assets, and dist/index.html that names them.
// The folder is made aside and moved in at the end, so that a server never sees half of it.
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";

const MAKING = "node_modules/.dist";
// As seen from the page at /graphql; relative, so that a proxy may put both under a prefix.
const ASSETS = "graphql/explorer/assets";
const COMMON = {
  bundle: true,
  minify: true,
  metafile: true,
  legalComments: "linked",
  target: "es2022",
  outdir: `${MAKING}/assets`,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};
const WORKERS = {
  editor: "monaco-editor/esm/vs/editor/editor.worker.js",
  graphql: "monaco-graphql/esm/graphql.worker.js",
  json: "monaco-editor/esm/vs/language/json/json.worker.js",
};

function outputOf(result, entry) {
  const [path, output] = Object.entries(result.metafile.outputs).find(([, one]) => one.entryPoint?.endsWith(entry));
  return { script: basename(path), style: output.cssBundle && basename(output.cssBundle) };
}

async function buildWorkers() {
  const entryPoints = Object.entries(WORKERS).map(([name, path]) => ({ in: path, out: `${name}.worker` }));
  const result = await build({ ...COMMON, format: "iife", entryPoints });
  return Object.fromEntries(Object.entries(WORKERS).map(([name, path]) => [name, outputOf(result, path).script]));
}

async function buildPage(workers) {
  const result = await build({
    ...COMMON,
    format: "esm",
    splitting: true,
    jsx: "automatic",
    entryPoints: [{ in: "src/main.jsx", out: "explorer" }],
    loader: { ".graphql": "text", ".ttf": "file", ".woff2": "file", ".svg": "file" },
    define: { ...COMMON.define, WORKERS: JSON.stringify(workers) },
  });
  // The stylesheet of the entry holds Monaco's as well (GraphiQL brings a copy).
  const { script, style } = outputOf(result, "src/main.jsx");
  const files = [
    `<link rel="stylesheet" href="${ASSETS}/${style}">`,
    `<script type="module" src="${ASSETS}/${script}"></script>`,
  ];
  const page = await readFile("src/index.html", "utf8");
  return page.replace("<!-- files -->", files.join("\n    "));
}

await rm(MAKING, { recursive: true, force: true });
await mkdir(MAKING, { recursive: true });
const page = await buildPage(await buildWorkers());
await writeFile(`${MAKING}/index.html`, page);
await rm("dist", { recursive: true, force: true });
await rename(MAKING, "dist");
