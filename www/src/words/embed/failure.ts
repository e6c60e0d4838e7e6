/** Reason why there is no game to show. */
export type Failure =
  | "none" | "address" | "fetch" | "status" | "large" | "slow" | "module" | "empty" | "number" | "other" | "unread" | "broken";
