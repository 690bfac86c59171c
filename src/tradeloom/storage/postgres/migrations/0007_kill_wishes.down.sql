DROP TABLE kill_wishes;
