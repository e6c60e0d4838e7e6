/** Models that the browser keeps, as a part of the site's storage. */

import type { StoredPlace } from "../offline/storage";
import { keptModels } from "../start";
import { storedChoice } from "./first";
import { rememberChoice } from "./slot";

export const modelsPlace: StoredPlace = {
  async size() {
    const models = await keptModels.list();
    return { entries: models.length, bytes: models.reduce((sum, { bytes }) => sum + bytes, 0) };
  },
  async clear() {
    await keptModels.clear();
    if (storedChoice()?.kind === "kept") rememberChoice(null);
  },
};
