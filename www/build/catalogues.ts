/**
 * Plugins that split the catalogues of `src/words` by language, so that a visit loads the words of its own language alone.
 *
 * `src/words/play.ts` becomes a module that imports a chunk, `words-en` or `words-ja`, when it runs. The chunk holds the catalogues of
 * `CHUNKS`, where each `spoken(en, ja)` is the one text and `language` is a constant, and copies of what they import: it must not
 * wait for a chunk of the page, which waits for it. `public/language.js` asks for the page's chunks before any script has come.
 * Vite's server of sources leaves the files as they are.
 */

import { basename, dirname, join } from "node:path";
import { type ESTree, type Plugin, type Rolldown, Visitor } from "vite";

const LANGUAGES = ["en", "ja"] as const;
type Language = (typeof LANGUAGES)[number];

/** Chunks by their catalogues. Catalogues that are not here are needed later, on few visits, and stay whole. */
const CHUNKS: Record<string, readonly string[]> = {
  words: ["agents.ts", "board.ts", "ends.ts", "parts.ts", "play.ts", "state.ts"],
  "words-analysis": ["analysis.ts"],
  "words-run": ["run.ts"],
};
/** Modules that a chunk may hold a copy of, because they have no state: other catalogues and these. */
const COPIED = [/\/src\/words\/(index|names)\.ts$/, /\/src\/board\/geometry\.ts$/];

/** Query of the modules of a chunk, which names the chunk. */
const OF_CHUNK = /\?((words[a-z-]*)-(en|ja))$/;

/** Chunk of the catalogue at a path; null where it is no catalogue that is split. */
function chunkOf(path: string): string | null {
  const file = /\/src\/words\/([\w-]+\.ts)$/.exec(path)?.[1];
  return Object.keys(CHUNKS).find((chunk) => file !== undefined && CHUNKS[chunk]?.includes(file)) ?? null;
}

/** Files of catalogues by the names that they export, for each chunk. */
const exporters = new Map<string, string>();

/** Plugin that finds the modules of a chunk, before Vite finds the files. */
const copies: Plugin = {
  name: "catalogues:copies",
  apply: "build",
  enforce: "pre",
  async resolveId(source, importer) {
    if (importer === undefined) return null;
    // The chunk's own module, which is no file.
    if (OF_CHUNK.test(source) && source.startsWith("./words")) return join(dirname(importer), source);
    const chunk = OF_CHUNK.exec(importer)?.[1];
    if (chunk === undefined) return null;
    const resolved = await this.resolve(source, importer.replace(OF_CHUNK, ""), { skipSelf: true });
    if (!resolved) return null;
    if (chunkOf(resolved.id) === null && !COPIED.some((known) => known.test(resolved.id))) {
      this.error(`${importer} imports ${source}: a chunk of words would hold a copy of it`);
    }
    return `${resolved.id}?${chunk}`;
  },
  load(id) {
    const [, chunk, files] = OF_CHUNK.exec(id) ?? [];
    if (chunk === undefined || files === undefined || basename(id) !== `${chunk}.js?${chunk}`) return null;
    return (CHUNKS[files] ?? []).map((file) => `export * from "./${file}";`).join("\n");
  },
};

const split: Plugin = {
  name: "catalogues:split",
  apply: "build",
  transform(code, id) {
    const language = OF_CHUNK.exec(id)?.[3] as Language | undefined;
    if (language !== undefined) return code.includes("spoken(") || code.includes("language") ? inOneLanguage(code, this.parse(code), language) : null;
    const chunk = chunkOf(id);
    if (chunk === null) return null;
    const names = exported(this.parse(code));
    for (const name of names) {
      const known = exporters.get(`${chunk} ${name}`) ?? id;
      if (known !== id) this.error(`${id} exports ${name}, as ${known} does`);
      exporters.set(`${chunk} ${name}`, id);
    }
    const [en, ja] = LANGUAGES.map((each) => `import("./${chunk}-${each}.js?${chunk}-${each}")`);
    return `import { language } from "./index";
export const { ${names.join(", ")} } = await (language === "ja" ? ${ja} : ${en});`;
  },
  transformIndexHtml: {
    order: "post",
    handler: (html, { chunk, bundle = {} }) => {
      const asked = LANGUAGES.map((language) => {
        const files = wordsOf(chunk, bundle, language).map((file) => `./${file}`);
        return files.length === 0 ? "" : ` data-words-${language}="${files.join(" ")}"`;
      });
      return html.replace('<script src="./language.js"', `$&${asked.join("")}`);
    },
  },
};

export const catalogues = [copies, split];

/** Chunks of words in a language that a page's scripts import when they run. */
function wordsOf(entry: Rolldown.OutputChunk | undefined, bundle: Rolldown.OutputBundle, language: Language): string[] {
  const words = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const file = bundle[name];
    if (file?.type !== "chunk" || seen.has(name)) return;
    seen.add(name);
    for (const asked of file.dynamicImports) {
      const chunk = bundle[asked];
      if (chunk?.type === "chunk" && OF_CHUNK.exec(chunk.facadeModuleId ?? "")?.[3] === language) words.add(asked);
    }
    file.imports.forEach(visit);
  };
  if (entry) visit(entry.fileName);
  return [...words].sort();
}

/** Names that a module declares and exports. */
function exported(program: ESTree.Program): string[] {
  return program.body.flatMap((statement) => {
    if (statement.type !== "ExportNamedDeclaration" || statement.declaration === null) return [];
    const { declaration } = statement;
    if (declaration.type === "VariableDeclaration") return declaration.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
    return declaration.type === "FunctionDeclaration" && declaration.id ? [declaration.id.name] : [];
  });
}

/** The source with one text of each pair, and the language as a constant. */
function inOneLanguage(code: string, program: ESTree.Program, language: Language): string {
  const edits: { start: number; end: number; text: string }[] = [];
  new Visitor({
    CallExpression({ callee, arguments: texts, start, end }) {
      const said = texts[LANGUAGES.indexOf(language)];
      const isPair = callee.type === "Identifier" && callee.name === "spoken" && said;
      if (isPair) edits.push({ start, end, text: `(${code.slice(said.start, said.end)})` });
    },
    VariableDeclarator({ id, init }) {
      if (id.type === "Identifier" && id.name === "language" && init) edits.push({ start: init.start, end: init.end, text: JSON.stringify(language) });
    },
  }).visit(program);
  // From the end, where an edit moves none of the others.
  for (const { start, end, text } of edits.sort((a, b) => b.start - a.start)) code = code.slice(0, start) + text + code.slice(end);
  return code;
}
