// For tests of what draws nothing: no page, and English words.
import i18next from "i18next";
import { vi } from "vitest";
import { addWords } from "./test-words";

// Whom the API's client asks.
vi.stubGlobal("location", new URL("http://127.0.0.1/"));
await i18next.init({ lng: "en", fallbackLng: "en", defaultNS: "app", interpolation: { escapeValue: false } });
addWords();
