/**
 * Registration of the service worker: when the page has what it needs, because keeping a copy of the site is the least urgent of its
 * downloads.
 */

/** Time after which a page that has not said so counts as settled. */
const SETTLED_MS = 5000;

const settled = new Promise<void>((resolve) => addEventListener("page-settled", () => resolve(), { once: true }));
const loaded = new Promise<void>((resolve) => {
  if (document.readyState === "complete") resolve();
  else addEventListener("load", () => resolve(), { once: true });
});
const idle = (): Promise<void> =>
  new Promise((resolve) => {
    // Safari has no `requestIdleCallback`.
    if ("requestIdleCallback" in window) requestIdleCallback(() => resolve(), { timeout: SETTLED_MS });
    else setTimeout(resolve, 200);
  });

async function register(): Promise<void> {
  await loaded;
  await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, SETTLED_MS))]);
  await idle();
  const { keepOffline } = await import("./page");
  await keepOffline();
}

// Vite's server of sources has no service worker, and a page that is no secure context has no such interface.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  // The pages work without it, and the settings say that nothing is kept.
  register().catch((error) => console.info(`the pages are not kept for use without a network: ${error}`));
}
