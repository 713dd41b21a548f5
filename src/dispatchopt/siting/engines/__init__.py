"""siting/engines"""
