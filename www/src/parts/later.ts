/** Element of the page's markup whose class is loaded when it is first needed. */
export class Later<T extends HTMLElement> {
  readonly element: HTMLElement;
  readonly #load: () => Promise<unknown>;
  #loading: Promise<unknown> | null = null;
  #loaded = false;

  /** `load` imports the module that defines the element. */
  constructor(element: HTMLElement, load: () => Promise<unknown>) {
    this.element = element;
    this.#load = load;
  }

  /** The element, once its class is there; null before. The first call loads it, and `ready` is called when it has come. */
  use(ready: () => void): T | null {
    // The module has defined the element, which is of its class from then on.
    if (this.#loaded) return this.element as T;
    if (this.#loading) return null;
    this.#loading = this.#load().then(
      () => {
        this.#loaded = true;
        ready();
      },
      // The next call tries again.
      () => {
        this.#loading = null;
      },
    );
    return null;
  }
}
