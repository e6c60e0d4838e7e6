/** The page's end of the service worker: its registration, offers of new versions, and why a version could not be kept. */

import { offlineWords as words } from "../words/offline";
import { type FromWorker, KEEPING_PROBLEMS, type ToWorker } from "./build";
import { Notice } from "./notice";
import { setProblem, siteRoot } from "./place";

/** Time after which a page that stays open asks for a new version when it is looked at again. */
const LOOK_AGAIN_MS = 3600 * 1000;
/** Time limit of a new version for becoming active. */
const TAKING_MS = 5000;
/** Attribute of the body that a page has while a game is going on. */
const IN_GAME = "data-in-game";

/** Registers the service worker of this site and tells the user about its versions. */
export async function keepOffline(): Promise<void> {
  let registration: ServiceWorkerRegistration;
  try {
    registration = await navigator.serviceWorker.register(`${siteRoot()}sw.js`);
  } catch (error) {
    const forbidden = error instanceof DOMException && /Security|NotSupported|InvalidState/.test(error.name);
    setProblem(forbidden ? "forbidden" : "unreachable");
    throw error;
  }
  new Versions(registration).watch();
}

class Versions {
  readonly #registration: ServiceWorkerRegistration;
  readonly #notice = new Notice();
  /** Whether this page has asked for the new version. */
  #taking = false;
  /** Whether the user does not want to hear of it while this page is open. */
  #later = false;
  /** Whether another tab has taken a new version. */
  #taken = false;
  #looked = performance.now();

  constructor(registration: ServiceWorkerRegistration) {
    this.#registration = registration;
  }

  watch(): void {
    const { serviceWorker } = navigator;
    // The first worker of all takes a page that had none: nothing has changed for that page.
    let controlled = serviceWorker.controller !== null;
    serviceWorker.addEventListener("controllerchange", () => {
      if (this.#taking) return location.reload();
      this.#taken = controlled;
      controlled = true;
      this.#draw();
    });
    serviceWorker.addEventListener("message", (event) => {
      const message = event.data as FromWorker | null;
      if (message?.kind !== "not kept" || !KEEPING_PROBLEMS.includes(message.why)) return;
      setProblem(message.why);
      // The others pass by themselves, and are tried again at the next visit.
      if (message.why === "full") this.#notice.tell(serviceWorker.controller ? words.fullForNew : words.full);
    });
    serviceWorker.startMessages();
    const watchNew = (): void => this.#registration.installing?.addEventListener("statechange", () => this.#draw());
    this.#registration.addEventListener("updatefound", watchNew);
    // One that another tab has found is on its way already.
    watchNew();
    new MutationObserver(() => this.#draw()).observe(document.body, { attributeFilter: [IN_GAME] });
    addEventListener("visibilitychange", () => this.#lookAgain());
    this.#draw();
  }

  /** Offers the new version, but never in the middle of a game. */
  #draw(): void {
    const isNew = this.#taken || (this.#registration.waiting !== null && navigator.serviceWorker.controller !== null);
    if (!isNew || this.#later || document.body.hasAttribute(IN_GAME)) return this.#notice.withdraw();
    this.#notice.offer(this.#taken ? words.takenElsewhere : words.newVersion, {
      [this.#taken ? words.reload : words.take]: () => this.#take(),
      [words.later]: () => {
        this.#later = true;
        this.#draw();
      },
    });
  }

  #take(): void {
    const { waiting } = this.#registration;
    if (!waiting) return location.reload();
    this.#taking = true;
    waiting.postMessage({ kind: "take" } satisfies ToWorker);
    setTimeout(() => location.reload(), TAKING_MS);
  }

  #lookAgain(): void {
    if (document.visibilityState !== "visible" || performance.now() - this.#looked < LOOK_AGAIN_MS) return;
    this.#looked = performance.now();
    // Without a network there is nothing new.
    this.#registration.update().catch(() => {});
  }
}
