// Libraries that add style elements while the page runs may do so with the nonce the server gave this page.
import { setNonce } from "get-nonce";

export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";

setNonce(nonce);
