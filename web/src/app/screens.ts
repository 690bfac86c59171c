// Every screen: its address, its place in the navigation, and its code, loaded when it is first opened.
import {
  Bell,
  Bot,
  ChartNoAxesCombined,
  CircleHelp,
  Database,
  Gauge,
  Key,
  LayoutTemplate,
  ListChecks,
  type LucideIcon,
  Wallet,
  Workflow,
} from "lucide-react";
import { type ComponentType, lazy } from "react";

type Screen = {
  /** wouter pattern; parameters are handed to the component as props `params`. */
  path: string;
  screen: ComponentType<{ params: Record<string, string> }>;
  /** Where it stands in the navigation; absent for screens that are reached from others. */
  nav?: { word: string; icon: LucideIcon };
  /** Takes the whole window under the bar: no scrolling of the page. */
  full?: boolean;
};

const of = (load: () => Promise<{ default: ComponentType<{ params: Record<string, string> }> }>) => lazy(load);

export const SCREENS: Screen[] = [
  {
    path: "/",
    screen: of(() => import("@/screens/dashboard/Dashboard")),
    nav: { word: "dashboard", icon: ChartNoAxesCombined },
  },
  {
    path: "/workflows",
    screen: of(() => import("@/screens/workflows/Workflows")),
    nav: { word: "workflows", icon: Workflow },
  },
  { path: "/workflows/:id", screen: of(() => import("@/editor/Editor")), full: true },
  { path: "/workflows/:id/versions", screen: of(() => import("@/screens/versions/Versions")), full: true },
  {
    path: "/templates",
    screen: of(() => import("@/screens/templates/Templates")),
    nav: { word: "templates", icon: LayoutTemplate },
  },
  { path: "/templates/:id", screen: of(() => import("@/screens/templates/TemplatePage")) },
  {
    path: "/executions",
    screen: of(() => import("@/screens/executions/Executions")),
    nav: { word: "executions", icon: ListChecks },
  },
  { path: "/executions/:id", screen: of(() => import("@/screens/execution/ExecutionView")), full: true },
  { path: "/executions/:id/compare/:other", screen: of(() => import("@/screens/compare/Compare")) },
  {
    path: "/accounts",
    screen: of(() => import("@/screens/accounts/Accounts")),
    nav: { word: "accounts", icon: Wallet },
  },
  { path: "/accounts/:id", screen: of(() => import("@/screens/accounts/Account")) },
  { path: "/data", screen: of(() => import("@/screens/data/Data")), nav: { word: "data", icon: Database } },
  { path: "/models", screen: of(() => import("@/screens/models/Models")), nav: { word: "models", icon: Bot } },
  {
    path: "/credentials",
    screen: of(() => import("@/screens/credentials/Credentials")),
    nav: { word: "credentials", icon: Key },
  },
  {
    path: "/notifications",
    screen: of(() => import("@/screens/notifications/Notifications")),
    nav: { word: "notifications", icon: Bell },
  },
  { path: "/usage", screen: of(() => import("@/screens/usage/Usage")), nav: { word: "usage", icon: Gauge } },
  { path: "/help", screen: of(() => import("@/screens/help/Help")), nav: { word: "help", icon: CircleHelp } },
  { path: "/help/:page", screen: of(() => import("@/screens/help/Help")) },
];
