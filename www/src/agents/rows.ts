/** The agents to choose from, as rows of the list. */

import type { AgentList, AgentRow } from "../parts/agent-picker";
import { pickerWords as words } from "../words/agent-picker";
import { counted, nameOfAgent } from "../words/agents";
import { type Choice, sameChoice, writeChoice } from "./choice";
import type { KeptModel } from "./kept-models";
import type { Manifest, ShippedAgent, ShippedRating } from "./manifest";
import { playOf } from "./play-text";

/** The rating with most behind it: the strongest play that was measured. */
const best = (ratings: readonly ShippedRating[]): ShippedRating | undefined =>
  ratings.reduce<ShippedRating | undefined>((most, rating) => (most === undefined || rating.elo > most.elo ? rating : most), undefined);

const joined = (...parts: string[]): string => parts.filter((part) => part !== "").join(" · ");

function shippedRow(agent: ShippedAgent, kept: readonly KeptModel[], isCurrent: boolean): AgentRow {
  const { bytes, sha256, strength, ratings } = agent;
  const rating = best(ratings);
  const play = rating && playOf(rating.play);
  const measured = rating ? [words.elo(rating.elo, rating.low, rating.high), play ? words.play(play.visits) : rating.play] : [words.unmeasured];
  const isHere = kept.some((model) => model.sha256 === sha256);
  return {
    key: writeChoice({ kind: "shipped", id: agent.id }),
    name: nameOfAgent(agent),
    lines: [
      joined(strength === undefined ? "" : words.strengths[strength], ...measured),
      joined(isHere ? words.here(bytes) : words.toDownload(bytes), isCurrent ? words.playing : ""),
    ],
    isCurrent,
    isRemovable: false,
    facts: factsOf(agent),
  };
}

function factsOf({ file, sha256, origin, ratings }: ShippedAgent): [string, string][] {
  const { facts } = words;
  const rows: [string, string][] = [
    [facts.network, words.network(origin.blocks, origin.channels, counted(origin.weights), origin.dtype ?? "")],
    [facts.plies, origin.plies === undefined ? "" : words.plies(counted(origin.plies))],
    [facts.seconds, origin.seconds === undefined ? "" : words.duration(origin.seconds)],
    ...ratings.map((rating): [string, string] => [facts.rating, words.rating(rating)]),
    [facts.run, words.run(origin.run, origin.iteration)],
    [facts.seed, origin.seed === undefined ? "" : String(origin.seed)],
    [facts.machine, origin.machine],
    [facts.revision, origin.revision],
    [facts.settings, origin.settings],
    [facts.command, origin.command],
    [facts.created, origin.created],
    [facts.notes, origin.notes],
    [facts.file, file],
    [facts.sha256, sha256],
  ];
  return rows.filter(([, text]) => text !== "");
}

function keptRow({ sha256, name, bytes, used }: KeptModel, isCurrent: boolean): AgentRow {
  return {
    key: writeChoice({ kind: "kept", sha256 }),
    name,
    lines: [words.opened(used), joined(words.here(bytes), isCurrent ? words.playing : "")],
    isCurrent,
    isRemovable: true,
    facts: [[words.facts.sha256, sha256]],
  };
}

/** The list of agents: those of the site, then the files that the user opened. */
export function listOf(manifest: Manifest, kept: readonly KeptModel[], current: Choice | null, title: string): AgentList {
  const isCurrent = (choice: Choice): boolean => current !== null && sameChoice(choice, current);
  const site: AgentRow = {
    key: writeChoice({ kind: "site" }),
    name: words.siteName,
    lines: [joined(words.siteAbout, isCurrent({ kind: "site" }) ? words.playing : "")],
    isCurrent: isCurrent({ kind: "site" }),
    isRemovable: false,
    facts: [],
  };
  const opened = kept.filter(({ source }) => source === "opened");
  const bytes = kept.reduce((sum, model) => sum + model.bytes, 0);
  return {
    title,
    rows: [
      ...(manifest.default === null ? [site] : []),
      ...manifest.agents.map((agent) => shippedRow(agent, kept, isCurrent({ kind: "shipped", id: agent.id }))),
      ...opened.map((model) => keptRow(model, isCurrent({ kind: "kept", sha256: model.sha256 }))),
    ],
    storage: words.storage(kept.length, bytes),
    isClearable: kept.length > 0,
  };
}
