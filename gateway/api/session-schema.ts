import { nullable, object, text, type ValueOf, word } from "./schema.ts";

/** Who asks, and what is mounted. */
export const sessionSchema = object({
  state: word(["open", "in", "out"], "open: nobody is asked; in: somebody is logged in; out: somebody must log in."),
  user: nullable(text("Who is logged in.")),
  mount: nullable(
    object({
      kind: word(["store", "snapshot"], "All snapshots of a store, or one (or a directory in it)."),
      name: text("What it is called."),
    }),
  ),
});

/** Who asks, and what is mounted. */
export type ApiSession = ValueOf<typeof sessionSchema>;

/** What a login sends. */
export const credentialsSchema = object({ user: text("The name."), password: text("The password, or a token.") });
