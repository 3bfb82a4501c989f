// First, because what it starts needs as long to answer as all the rest takes to begin.
import { addon, ahead, argv } from './start.ts';
import { main } from './cli.ts';

void main(argv, { addon, ahead });
