// Lets Node load the page's modules from the repository: /page/x.js as the server names them.

import { register } from "node:module";

const root = new URL("../../bridge/outputs/http/page/", import.meta.url).href;
const hooks = `export async function resolve(name, context, next) {
  return next(name.startsWith("/page/") ? ${JSON.stringify(root)} + name.slice(6) : name, context);
}`;
register("data:text/javascript," + encodeURIComponent(hooks));

export const load = (name) => import("/page/" + name);
