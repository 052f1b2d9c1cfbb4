// Monaco's language services run in workers, loaded from our own files. WORKERS is filled in by build.mjs.
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    return new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url), { name: label });
  },
};
